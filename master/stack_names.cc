#include "master/stack_names.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace windlass {
namespace {

constexpr size_t kMostBytes = 400;  // of a name

std::vector<std::string> Bare(const std::vector<uint64_t>& addresses) {
  std::vector<std::string> lines;
  for (const uint64_t address : addresses) {
    lines.push_back(absl::StrCat("0x", absl::Hex(address)));
  }
  return lines;
}

// What a zygote says goes to logs and terminals.
std::string Printable(absl::string_view line) {
  std::string text(line.substr(0, kMostBytes));
  for (char& c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = '?';
  }
  return text;
}

}  // namespace

std::vector<uint64_t> FramesOf(const StackSample& sample) {
  const size_t frames = std::min<size_t>(sample.frames.load(), StackSample::kFrames);
  std::vector<uint64_t> addresses;
  for (size_t i = 0; i < frames; ++i) addresses.push_back(sample.addresses[i].load());
  return addresses;
}

void StackNames::Ask(ControlChannel* zygote, std::vector<uint64_t> addresses, Told told) {
  if (zygote == nullptr || addresses.empty() || asked_.size() == kMostAsked) {
    return told(Bare(addresses));
  }
  proto::Command command;
  command.mutable_symbolize()->set_number(++last_);
  for (const uint64_t address : addresses) command.mutable_symbolize()->add_addresses(address);
  if (zygote->Send(command) != PacketOutcome::kDone) return told(Bare(addresses));
  const Instant until = timers_->now() + kPatience;
  asked_.push_back({last_, until, std::move(addresses), std::move(told)});
  if (!timer_.armed()) timers_->Arm(&timer_, until);
}

void StackNames::OnNamed(const proto::Report::Symbolized& answer) {
  const auto found = std::find_if(asked_.begin(), asked_.end(),
                                  [&](const Asked& one) { return one.number == answer.number(); });
  if (found == asked_.end()) return;
  Asked asked = std::move(*found);
  asked_.erase(found);
  std::vector<std::string> lines = Bare(asked.addresses);
  for (size_t i = 0; i < lines.size() && i < static_cast<size_t>(answer.lines_size()); ++i) {
    lines[i] = Printable(answer.lines(static_cast<int>(i)));
  }
  asked.told(std::move(lines));
}

void StackNames::TellAll() {
  while (!asked_.empty()) {
    const Asked asked = std::move(asked_.front());
    asked_.pop_front();
    asked.told(Bare(asked.addresses));
  }
}

void StackNames::OnTimer(Timer*, Instant now) {
  while (!asked_.empty() && asked_.front().until <= now) {
    const Asked asked = std::move(asked_.front());
    asked_.pop_front();
    asked.told(Bare(asked.addresses));
  }
  if (!asked_.empty()) timers_->Arm(&timer_, asked_.front().until);
}

}  // namespace windlass
