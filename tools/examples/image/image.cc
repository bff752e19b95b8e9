// The handler `image`: a picture comes in, something is done to it, a picture goes out. Large ones
// are cut into bands of rows, which are made at the same time in other processes of the pool.
#include <sys/mman.h>

#include <algorithm>
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
constexpr uint32_t kBandsPerProcess = 2;  // so that one that is held up does not hold up all

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
  // In the memory that parts share: what of the file comes before its pixels, and these.
  uint64_t header_at = 0, header_bytes = 0, out_at = 0;
  uint64_t shared_bytes = 0;
};

// The rows that a part makes, as it is called.
struct Band {
  uint32_t first = 0, end = 0;
};

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
void TakePages(uint8_t* memory, size_t bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(memory) / kPage * kPage;
  const auto end = reinterpret_cast<uintptr_t>(memory) + bytes;
  constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE
  (void)::madvise(reinterpret_cast<void*>(begin), end - begin, kPopulateWrite);
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
    const absl::StatusOr<absl::Span<char>> shared = parts.Share(plan->shared_bytes);
    if (!shared.ok()) return absl::OkStatus();  // there is no room for that: whole, then
    if (!plan->in_request) {
      auto* const pixels = reinterpret_cast<uint8_t*>(shared->data() + plan->in_at);
      const absl::Status decoded = Decode(request.content, *header, pixels);
      if (!decoded.ok()) return decoded;
    }
    const std::string before = PlainHeader(plan->format, plan->out);
    std::memcpy(shared->data() + plan->header_at, before.data(), before.size());
    for (uint32_t i = 0; i < bands; ++i) {
      const Band band = {static_cast<uint32_t>(uint64_t{plan->out.height} * i / bands),
                         static_cast<uint32_t>(uint64_t{plan->out.height} * (i + 1) / bands)};
      parts.Add({reinterpret_cast<const char*>(&band), sizeof(band)});
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> HandlePart(const Request& request, const Part& part,
                                         HandlerContext& context) override {
    const absl::StatusOr<Plan> plan = PlanOf(request, part.shared, context);
    if (!plan.ok()) return plan.status();
    Band band;
    if (part.what.size() == sizeof(band)) std::memcpy(&band, part.what.data(), sizeof(band));
    if (band.first >= band.end || band.end > plan->out.height) {
      return absl::InternalError("a part of no rows");
    }
    uint8_t* const rows = reinterpret_cast<uint8_t*>(part.shared.data() + plan->out_at) +
                          band.first * plan->out.row_bytes();
    TakePages(rows, (band.end - band.first) * plan->out.row_bytes());
    const char* const from = plan->in_request ? request.content.data() : part.shared.data();
    const auto* const pixels = reinterpret_cast<const uint8_t*>(from + plan->in_at);
    const absl::Status made = MakeFileRows(*plan, pixels, band, rows, context);
    if (!made.ok()) return made;
    return "";
  }

  absl::StatusOr<Response> Merge(const Request& request, const PartResults& parts,
                                 HandlerContext& context) override {
    const absl::StatusOr<Plan> plan = PlanOf(request, parts.shared, context);
    if (!plan.ok()) return plan.status();
    const char* const file = parts.shared.data() + plan->header_at;
    if (plan->header_bytes == 0) {
      return Encoded(*plan, reinterpret_cast<const uint8_t*>(parts.shared.data() + plan->out_at));
    }
    Response response{MediaType(plan->format), "binary"};  // the file is there as it shall be
    response.pieces.push_back(
        ResponsePiece::Borrowed({file, plan->header_bytes + plan->out.bytes()}));
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
    const absl::Span<char> file = context.Scratch(plan->header_bytes + plan->out.bytes());
    const std::string before = PlainHeader(plan->format, plan->out);
    std::memcpy(file.data(), before.data(), before.size());
    auto* const out = reinterpret_cast<uint8_t*>(file.data() + before.size());
    const absl::Status made = MakeFileRows(*plan, pixels, {0, plan->out.height}, out, context);
    if (!made.ok()) return made;
    if (before.empty()) return Encoded(*plan, out);
    Response response{MediaType(plan->format), "binary"};
    response.pieces.push_back(ResponsePiece::Borrowed({file.data(), file.size()}));
    return response;
  }

 private:
  static uint32_t BandsOf(const Plan& plan, int processes) {
    const uint32_t wanted =
        std::min<uint32_t>(JobParts::kMost, kBandsPerProcess * static_cast<uint32_t>(processes));
    // What a blur reads beyond its band is read twice.
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
    plan.header_at = (decoded + kPage - 1) / kPage * kPage;
    plan.header_bytes = PlainHeader(plan.format, plan.out).size();
    plan.out_at = plan.header_at + plan.header_bytes;
    plan.shared_bytes = plan.out_at + plan.out.bytes();
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
