#include "worker/io/connection_table.h"

#include "common/log.h"

namespace windlass {
namespace {

constexpr uint32_t kGenerations = 1u << 24;

uint32_t IndexOf(SelectorToken token) { return static_cast<uint32_t>(token.value); }

SelectorToken MakeToken(uint32_t index, uint32_t generation) {
  return SelectorToken{ConnectionTable::kTokenKind << 56 |
                       uint64_t{generation % kGenerations} << 32 | index};
}

}  // namespace

SelectorToken ConnectionTable::NextToken() {
  if (vacant_.empty()) {
    vacant_.push_back(static_cast<uint32_t>(places_.size()));
    places_.emplace_back();
  }
  return MakeToken(vacant_.back(), places_[vacant_.back()].generation);
}

Connection* ConnectionTable::Add(std::unique_ptr<Connection> connection) {
  CHECK(connection->token() == NextToken());
  Place& place = places_[vacant_.back()];
  vacant_.pop_back();
  place.connection = std::move(connection);
  ++size_;
  return place.connection.get();
}

Connection* ConnectionTable::Find(SelectorToken token) {
  const uint32_t index = IndexOf(token);
  if (index >= places_.size() || places_[index].connection == nullptr) return nullptr;
  return places_[index].connection->token() == token ? places_[index].connection.get() : nullptr;
}

void ConnectionTable::Remove(Connection* connection) {
  const uint32_t index = IndexOf(connection->token());
  CHECK(places_[index].connection.get() == connection);
  places_[index].connection.reset();
  ++places_[index].generation;
  vacant_.push_back(index);
  --size_;
}

Connection* ConnectionTable::Next(uint32_t* cursor) {
  for (size_t looked = 0; looked < places_.size(); ++looked) {
    *cursor = (*cursor + 1) % static_cast<uint32_t>(places_.size());
    if (places_[*cursor].connection != nullptr) return places_[*cursor].connection.get();
  }
  return nullptr;
}

void ConnectionTable::ForEach(absl::FunctionRef<void(Connection*)> visit) {
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].connection != nullptr) visit(places_[i].connection.get());
  }
}

}  // namespace windlass
