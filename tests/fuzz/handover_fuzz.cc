// What a broken worker may say of a connection that it gives away.
#include <fcntl.h>
#include <sys/socket.h>

#include <array>

#include "tests/fuzz/fuzz_input.h"
#include "worker/io/handover_message.h"

namespace windlass {
namespace {

uint64_t PickNumber(FuzzedDataProvider* input) {
  constexpr uint64_t kOdd[] = {0, 1, 4032, 4096, 8192, INT64_MAX, uint64_t{1} << 63, UINT64_MAX};
  const auto which = input->ConsumeIntegral<uint8_t>();
  return which < std::size(kOdd) ? kOdd[which] : which;
}

OwnedFd PickFile(FuzzedDataProvider* input) {
  static const int sealed = [] {
    OwnedFd fd = *MemfdCreate("sealed", 4096);
    CHECK(AddSeals(fd.get(), F_SEAL_SHRINK).ok());
    return fd.Take();
  }();
  static const int unsealed = MemfdCreate("unsealed", 4096)->Take();
  static const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  static const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const std::array all = {sealed, unsealed, file, socket};
  return *Duplicate(all[input->ConsumeIntegralInRange<size_t>(0, 3)]);
}

proto::Offer MakeOffer(FuzzedDataProvider* input) {
  proto::Offer offer;
  offer.set_version(input->ConsumeIntegralInRange<uint32_t>(1, 2));
  offer.set_id(input->ConsumeIntegral<uint64_t>());
  offer.set_listener(input->ConsumeRandomLengthString(16));
  offer.set_protocol(input->ConsumeRandomLengthString(8));
  offer.set_in_memfd(input->ConsumeBool());
  offer.set_input_bytes(PickNumber(input));
  const size_t segments = input->ConsumeIntegralInRange<size_t>(0, 4);
  for (size_t i = 0; i < segments; ++i) {
    proto::Offer::Segment* const segment = offer.add_output();
    segment->set_bytes(PickNumber(input));
    segment->set_has_file(input->ConsumeBool());
    segment->set_file_offset(PickNumber(input));
    segment->set_file_bytes(PickNumber(input));
  }
  offer.set_skip_bytes(PickNumber(input));
  offer.set_accepted_ns(PickNumber(input));
  return offer;
}

}  // namespace
}  // namespace windlass

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace windlass;
  FuzzedDataProvider input(data, size);
  proto::Offer offer;
  if (input.ConsumeBool()) {
    offer = MakeOffer(&input);
  } else if (!offer.ParseFromString(input.ConsumeRandomLengthString(256))) {
    return 0;
  }
  std::vector<OwnedFd> fds(input.ConsumeIntegralInRange<size_t>(0, 5));
  for (OwnedFd& fd : fds) fd = PickFile(&input);
  const std::string payload = input.ConsumeRemainingBytesAsString();
  const fuzz::PaddedBytes bytes(payload);
  const absl::StatusOr<IncomingConnection> read =
      ReadOffer(offer, bytes.view(), absl::MakeSpan(fds));
  if (!read.ok()) return 0;
  CHECK(read->socket.valid());
  CHECK(read->input.size() == offer.input_bytes());
  const absl::string_view memory =
      offer.in_memfd() ? absl::string_view(read->memory.data(), read->memory.size()) : bytes.view();
  CHECK(fuzz::IsInside(read->input, memory));
  // All of it can be read, and the padding behind it.
  const std::string copy(read->input.data(), read->input.size() + kInputPadding);
  CHECK(copy.size() >= kInputPadding);
  CHECK(read->output.size() == static_cast<size_t>(offer.output_size()));
  for (const IncomingConnection::Segment& segment : read->output) {
    if (!segment.file.valid()) continue;
    const absl::StatusOr<FileIdentity> file = IdentifyFile(segment.file.get());
    CHECK(file.ok() && file->is_regular);
  }
  return 0;
}
