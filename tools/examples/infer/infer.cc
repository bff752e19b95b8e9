// The handler `infer`: rows of numbers go through a dense network. Large batches are cut into
// bands of rows, which other processes of the pool take at the same time.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/examples/infer/batch.h"
#include "tools/examples/infer/network.h"
#include "windlass/handler.h"

namespace windlass::infer {
namespace {

constexpr uint64_t kMostModelBytes = uint64_t{4} << 30;

// The whole file, into memory that all processes share.
absl::StatusOr<absl::string_view> ReadInto(const std::string& path, SharedArena& arena) {
  const OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info = {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0) {
    return absl::NotFoundError(absl::StrCat("model ", path, ": ", std::strerror(errno)));
  }
  const auto bytes = static_cast<uint64_t>(info.st_size);
  if (!S_ISREG(info.st_mode) || bytes == 0 || bytes > kMostModelBytes) {
    return absl::InvalidArgumentError(absl::StrCat("model ", path, ": no file of a usual size"));
  }
  absl::StatusOr<absl::Span<char>> memory = arena.Allocate(bytes);
  if (!memory.ok()) return memory.status();
  for (size_t at = 0; at < bytes;) {
    const ssize_t n = ::pread(file.get(), memory->data() + at, bytes - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return absl::UnavailableError(absl::StrCat("model ", path, ": cannot be read"));
    at += static_cast<size_t>(n);
  }
  return absl::string_view(memory->data(), bytes);
}

float* Floats(absl::Span<char> memory) { return reinterpret_cast<float*>(memory.data()); }

struct Band {
  uint64_t first = 0, end = 0, rows = 0;  // of so many in all
};

class InferHandler : public Handler {
 public:
  absl::Status Preload(HandlerOptions& options, SharedArena& arena) override {
    const std::string path = options.RequiredString("model");
    most_rows_ = static_cast<size_t>(options.Integer("max_rows", 65'536, 1, 1 << 24));
    split_rows_ = static_cast<size_t>(options.Integer("split_rows", 1024, 1, 1 << 24));
    const absl::StatusOr<absl::string_view> file = ReadInto(path, arena);
    if (!file.ok()) return file.status();
    absl::StatusOr<Network> network = Network::Parse(*file);
    if (!network.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("model ", path, ": ", network.status().message()));
    }
    network_.emplace(*std::move(network));
    return absl::OkStatus();
  }

  // Only binary batches: they can be cut without being read.
  absl::Status Split(const Request& request, JobParts& parts, HandlerContext& context) override {
    if (context.processes() < 2 || IsJson(request)) return absl::OkStatus();
    const absl::StatusOr<size_t> rows = BinaryRows(request.content, network_->inputs(), most_rows_);
    if (!rows.ok()) return rows.status();
    if (*rows < split_rows_) return absl::OkStatus();
    if (!parts.Share(*rows * network_->outputs() * sizeof(float)).ok()) return absl::OkStatus();
    const auto bands =
        std::min<size_t>({JobParts::kMost, *rows, 2 * static_cast<size_t>(context.processes())});
    for (size_t i = 0; i < bands; ++i) {
      const Band band = {*rows * i / bands, *rows * (i + 1) / bands, *rows};
      parts.Add({reinterpret_cast<const char*>(&band), sizeof(band)});
    }
    return absl::OkStatus();
  }

  absl::StatusOr<PartResult> HandlePart(const Request& request, const Part& part,
                                        HandlerContext& context) override {
    Band band;
    if (part.what.size() == sizeof(band)) std::memcpy(&band, part.what.data(), sizeof(band));
    const size_t out_row = network_->outputs() * sizeof(float);
    const absl::StatusOr<size_t> rows = BinaryRows(request.content, network_->inputs(), most_rows_);
    if (!rows.ok() || band.first >= band.end || band.end > *rows ||
        part.shared.size() < *rows * out_row) {
      return absl::InternalError("a part of no rows");
    }
    const absl::Status run = RunBinary(request, band.first, band.end - band.first,
                                       Floats(part.shared.subspan(band.first * out_row)), context);
    if (!run.ok()) return run;
    return "";
  }

  absl::StatusOr<Response> Merge(const Request& request, const PartResults& parts,
                                 HandlerContext&) override {
    const absl::StatusOr<size_t> rows = BinaryRows(request.content, network_->inputs(), most_rows_);
    const size_t bytes = rows.ok() ? *rows * network_->outputs() * sizeof(float) : 0;
    if (parts.shared.size() < bytes) return absl::InternalError("parts without their memory");
    return Binary({parts.shared.data(), bytes});
  }

  absl::StatusOr<Response> Handle(const Request& request, HandlerContext& context) override {
    if (IsJson(request)) return HandleJson(request, context);
    const absl::StatusOr<size_t> rows = BinaryRows(request.content, network_->inputs(), most_rows_);
    if (!rows.ok()) return rows.status();
    const absl::Span<char> out = context.Scratch(*rows * network_->outputs() * sizeof(float));
    const absl::Status run = RunBinary(request, 0, *rows, Floats(out), context);
    if (!run.ok()) return run;
    return Binary({out.data(), out.size()});
  }

 private:
  absl::Status RunBinary(const Request& request, size_t first, size_t rows, float* out,
                         HandlerContext& context) const {
    float* const in = Floats(context.Scratch(rows * network_->inputs() * sizeof(float)));
    absl::Status read =
        ReadBinary(request.content, request.byte_order, network_->inputs(), first, rows, in);
    if (!read.ok()) return read;
    network_->Run(in, rows, out,
                  Floats(context.Scratch(network_->WorkFloats(rows) * sizeof(float))));
    const absl::Status checked = CheckOutputs(out, rows, network_->outputs(), first);
    ToOrder(request.byte_order, out, rows * network_->outputs());
    return checked;
  }

  absl::StatusOr<Response> HandleJson(const Request& request, HandlerContext& context) const {
    float* in = nullptr;
    const absl::StatusOr<size_t> rows = ReadJson(
        request.content, network_->inputs(), most_rows_,
        [&](size_t floats) { return in = Floats(context.Scratch(floats * sizeof(float))); });
    if (!rows.ok()) return rows.status();
    float* const out = Floats(context.Scratch(*rows * network_->outputs() * sizeof(float)));
    network_->Run(in, *rows, out,
                  Floats(context.Scratch(network_->WorkFloats(*rows) * sizeof(float))));
    const absl::Status checked = CheckOutputs(out, *rows, network_->outputs(), 0);
    if (!checked.ok()) return checked;
    Response response{"text/json", "utf-8"};
    response.pieces.push_back(ResponsePiece::Owned(ToJson(out, *rows, network_->outputs())));
    return response;
  }

  static Response Binary(absl::string_view bytes) {
    Response response{"binary/float32", "binary"};
    response.pieces.push_back(ResponsePiece::Borrowed(bytes));
    return response;
  }

  std::optional<Network> network_;
  size_t most_rows_ = 0, split_rows_ = 0;
};

}  // namespace

WINDLASS_HANDLER("infer", InferHandler);

}  // namespace windlass::infer
