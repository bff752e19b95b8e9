// The handler `image`: a picture comes in, something is done to it, a picture goes out. Large ones
// are cut into bands of rows, which are made at the same time in other processes of the pool.
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/examples/image/codec.h"
#include "tools/examples/image/operation.h"
#include "tools/examples/image/parameters.h"
#include "windlass/handler.h"

namespace windlass::image {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint32_t kBandsPerProcess = 4;  // so that one that is held up does not hold up all

// All that is known of a job once its headers are read: enough to make any row of what comes out.
// Every part makes it anew, of the request: what another process says of memory is not believed.
struct Plan {
  Operation operation;
  Shape in;
  Shape made;  // by the operation
  Shape out;   // `made`, with the channels of its file
  Format format = Format::kPng;
  int quality = 0;
  // Where the decoded picture is: in the request from there on, or in the memory that parts share.
  bool in_request = false;
  uint64_t in_at = 0;
  // Of plain files, whose parts the client gets as they are: what comes before the pixels.
  std::string file_header;
  // What parts share: the decoded picture, and pixels that are yet to be encoded, from there on.
  uint64_t out_at = 0;
  uint64_t shared_bytes = 0;
  bool is_plain_out() const { return !file_header.empty(); }
};

// The rows that a part makes, as it is called.
struct Band {
  uint32_t first = 0, end = 0;
};

// Where a band begins: each has fewer rows than the one before, so that all processes end at about
// the same time, as by guided self-scheduling (Polychronopoulos and Kuck, 1987).
uint32_t FirstRow(uint32_t rows, uint32_t band, uint32_t bands) {
  const double left = 1.0 - static_cast<double>(band) / bands;
  return rows - static_cast<uint32_t>(rows * left * std::sqrt(left));
}

// Rows of the file's pixels, of the picture at `pixels`.
absl::Status MakeFileRows(const Plan& plan, const uint8_t* pixels, Band band, uint8_t* out,
                          HandlerContext& context) {
  const auto scratch = [&context](size_t bytes) { return context.Scratch(bytes); };
  const auto stop = [&context] {
    return context.cancelled() || context.time_left() <= absl::ZeroDuration();
  };
  const bool converts = plan.made.channels != plan.out.channels;
  const uint32_t count = band.end - band.first;
  uint8_t* const made =
      converts ? reinterpret_cast<uint8_t*>(context.Scratch(count * plan.made.row_bytes()).data())
               : out;
  if (!MakeRows(plan.operation, plan.in, pixels, band.first, band.end, made, scratch, stop)) {
    return absl::DeadlineExceededError("deadline passed in the middle of the picture");
  }
  if (converts) {
    ConvertPixels(made, size_t{count} * plan.made.width, plan.made.channels, plan.out.channels,
                  out);
  }
  return absl::OkStatus();
}

// All pages of memory that is written next, at once: by a fault for each they cost a fifth of the
// time of all parts. Where the kernel cannot (before Linux 5.14), they come one by one.
void TakePages(char* memory, size_t bytes) {
  const size_t before = reinterpret_cast<uintptr_t>(memory) % kPage;
  constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE
  (void)::madvise(memory - before, before + bytes, kPopulateWrite);
}

class ImageHandler : public Handler {
 public:
  absl::Status Preload(HandlerOptions& options, SharedArena&) override {
    limits_.max_pixels = static_cast<uint64_t>(options.Integer(
        "max_pixels", static_cast<int64_t>(limits_.max_pixels), 1, int64_t{1} << 30));
    limits_.max_side =
        static_cast<uint32_t>(options.Integer("max_side", limits_.max_side, 1, 65'535));
    split_pixels_ = static_cast<uint64_t>(
        options.Integer("split_pixels", static_cast<int64_t>(split_pixels_), 1, int64_t{1} << 40));
    encode_.jpeg_quality =
        static_cast<int>(options.Integer("jpeg_quality", encode_.jpeg_quality, 1, 100));
    encode_.png_compression =
        static_cast<int>(options.Integer("png_compression", encode_.png_compression, 0, 9));
    return absl::OkStatus();
  }

  absl::Status Split(const Request& request, JobParts& parts, HandlerContext& context) override {
    if (context.processes() < 2) return absl::OkStatus();
    const absl::StatusOr<FileHeader> header = ReadHeader(request.content, limits_);
    if (!header.ok()) return header.status();
    const absl::StatusOr<Plan> plan = MakePlan(*header, context);
    if (!plan.ok()) return plan.status();
    const uint64_t work = std::max(plan->in.pixels(), plan->out.pixels());
    const uint32_t bands = BandsOf(*plan, context.processes());
    if (work < split_pixels_ || bands < 2 || plan->operation.kind == OperationKind::kNone) {
      return absl::OkStatus();
    }
    if (plan->shared_bytes > 0) {
      const absl::StatusOr<absl::Span<char>> shared = parts.Share(plan->shared_bytes);
      if (!shared.ok()) return absl::OkStatus();  // there is no room for that: whole, then
      if (!plan->in_request) {
        auto* const pixels = reinterpret_cast<uint8_t*>(shared->data() + plan->in_at);
        absl::Status decoded = Decode(request.content, *header, pixels);
        if (!decoded.ok()) return decoded;
      }
    }
    for (uint32_t i = 0; i < bands; ++i) {
      const Band band = {FirstRow(plan->out.height, i, bands),
                         FirstRow(plan->out.height, i + 1, bands)};
      if (band.first == band.end) continue;
      parts.Add({reinterpret_cast<const char*>(&band), sizeof(band)});
    }
    return absl::OkStatus();
  }

  absl::StatusOr<PartResult> HandlePart(const Request& request, const Part& part,
                                        HandlerContext& context) override {
    const absl::StatusOr<Plan> plan = PlanOf(request, part.shared, context);
    if (!plan.ok()) return plan.status();
    Band band;
    if (part.what.size() == sizeof(band)) std::memcpy(&band, part.what.data(), sizeof(band));
    if (band.first >= band.end || band.end > plan->out.height) {
      return absl::InternalError("a part of no rows");
    }
    const size_t bytes = (band.end - band.first) * plan->out.row_bytes();
    char* out = nullptr;
    if (plan->is_plain_out()) {
      const absl::StatusOr<absl::Span<char>> memory = context.ResponseMemory(bytes);
      if (!memory.ok()) return memory.status();
      out = memory->data();
    } else {
      out = part.shared.data() + plan->out_at + band.first * plan->out.row_bytes();
      TakePages(out, bytes);
    }
    auto* const rows = reinterpret_cast<uint8_t*>(out);
    const char* const from = plan->in_request ? request.content.data() : part.shared.data();
    const auto* const pixels = reinterpret_cast<const uint8_t*>(from + plan->in_at);
    const absl::Status made = MakeFileRows(*plan, pixels, band, rows, context);
    if (!made.ok()) return made;
    PartResult result;
    if (plan->is_plain_out()) result.content = {out, bytes};
    return result;
  }

  absl::StatusOr<Response> Merge(const Request& request, const PartResults& parts,
                                 HandlerContext& context) override {
    const absl::StatusOr<Plan> plan = PlanOf(request, parts.shared, context);
    if (!plan.ok()) return plan.status();
    if (!plan->is_plain_out()) {
      return Encoded(*plan, reinterpret_cast<const uint8_t*>(parts.shared.data() + plan->out_at));
    }
    Response response{MediaType(plan->format), "binary"};
    response.pieces.push_back(ResponsePiece::Owned(plan->file_header));
    uint64_t bytes = 0;
    for (size_t i = 0; i < parts.content_bytes.size(); ++i) {
      bytes += parts.content_bytes[i];
      response.pieces.push_back(ResponsePiece::OfPart(static_cast<int>(i)));
    }
    if (bytes != plan->out.bytes()) return absl::InternalError("bands that make no picture");
    return response;
  }

  absl::StatusOr<Response> Handle(const Request& request, HandlerContext& context) override {
    const absl::StatusOr<FileHeader> header = ReadHeader(request.content, limits_);
    if (!header.ok()) return header.status();
    const absl::StatusOr<Plan> plan = MakePlan(*header, context);
    if (!plan.ok()) return plan.status();
    const uint8_t* pixels = reinterpret_cast<const uint8_t*>(request.content.data()) + plan->in_at;
    if (!plan->in_request) {
      auto* const decoded = reinterpret_cast<uint8_t*>(context.Scratch(plan->in.bytes()).data());
      const absl::Status done = Decode(request.content, *header, decoded);
      if (!done.ok()) return done;
      pixels = decoded;
    }
    const std::string& before = plan->file_header;
    const size_t bytes = before.size() + plan->out.bytes();
    const absl::StatusOr<absl::Span<char>> file =
        plan->is_plain_out() ? context.ResponseMemory(bytes) : context.Scratch(bytes);
    if (!file.ok()) return file.status();
    std::memcpy(file->data(), before.data(), before.size());
    auto* const out = reinterpret_cast<uint8_t*>(file->data() + before.size());
    const absl::Status made = MakeFileRows(*plan, pixels, {0, plan->out.height}, out, context);
    if (!made.ok()) return made;
    if (!plan->is_plain_out()) return Encoded(*plan, out);
    Response response{MediaType(plan->format), "binary"};
    response.pieces.push_back(ResponsePiece::Borrowed({file->data(), file->size()}));
    return response;
  }

 private:
  static uint32_t BandsOf(const Plan& plan, int processes) {
    const uint32_t wanted =
        std::min<uint32_t>(JobParts::kMost, kBandsPerProcess * static_cast<uint32_t>(processes));
    // Of a mean band: what a blur reads beyond its band is read twice.
    const uint32_t least_rows = std::max<uint32_t>(8, 4 * plan.operation.radius);
    return std::clamp<uint32_t>(plan.out.height / least_rows, 1, wanted);
  }

  absl::StatusOr<Plan> MakePlan(const FileHeader& header, HandlerContext& context) const {
    const std::optional<std::string> query = context.header(":query");
    const bool is_http = context.header(":path").has_value();
    const auto lookup = [&](absl::string_view key) -> std::optional<std::string> {
      if (!is_http) return context.header(key);
      return query ? QueryValue(*query, key) : std::nullopt;
    };
    if (is_http && query) {
      absl::Status checked = CheckQuery(*query);
      if (!checked.ok()) return checked;
    }
    const absl::StatusOr<Parameters> parameters = ReadParameters(lookup);
    if (!parameters.ok()) return parameters.status();
    Plan plan;
    plan.operation = OperationFor(*parameters, header.shape);
    plan.in = header.shape;
    plan.made = ShapeAfter(plan.operation, plan.in);
    const absl::Status checked = CheckShape(plan.made.width, plan.made.height, limits_);
    if (!checked.ok()) return checked;
    plan.format = parameters->format.value_or(header.format);
    // A gray picture of colours that were asked for is a pgm.
    if (!parameters->format && plan.format == Format::kPpm && plan.made.channels == 1) {
      plan.format = Format::kPgm;
    }
    plan.out = plan.made;
    plan.out.channels = ChannelsIn(plan.format, plan.made.channels);
    plan.quality = parameters->quality;
    plan.in_request = header.is_plain();
    plan.in_at = plan.in_request ? header.pixels_at : 0;
    const uint64_t decoded = plan.in_request ? 0 : plan.in.bytes();
    plan.file_header = PlainHeader(plan.format, plan.out);
    plan.out_at = (decoded + kPage - 1) / kPage * kPage;
    plan.shared_bytes = plan.is_plain_out() ? decoded : plan.out_at + plan.out.bytes();
    return plan;
  }

  // In a part, or at the end.
  absl::StatusOr<Plan> PlanOf(const Request& request, absl::Span<const char> shared,
                              HandlerContext& context) const {
    const absl::StatusOr<FileHeader> header = ReadHeader(request.content, limits_);
    if (!header.ok()) return header.status();
    absl::StatusOr<Plan> plan = MakePlan(*header, context);
    if (plan.ok() && plan->shared_bytes > shared.size()) {
      return absl::InternalError("a part without its memory");
    }
    return plan;
  }

  absl::StatusOr<Response> Encoded(const Plan& plan, const uint8_t* pixels) const {
    EncodeOptions options = encode_;
    if (plan.quality > 0) options.jpeg_quality = plan.quality;
    absl::StatusOr<std::string> file = Encode(plan.format, plan.out, pixels, options);
    if (!file.ok()) return file.status();
    Response response{MediaType(plan.format), "binary"};
    response.pieces.push_back(ResponsePiece::Owned(*std::move(file)));
    return response;
  }

  Limits limits_;
  uint64_t split_pixels_ = 1'000'000;
  EncodeOptions encode_;
};

}  // namespace

WINDLASS_HANDLER("image", ImageHandler);

}  // namespace windlass::image
