#include "worker/io/result_memory.h"

#include <algorithm>
#include <utility>

#include "windlass/handler.h"

namespace windlass {
namespace {

absl::Status Broken(absl::string_view what) { return absl::InvalidArgumentError(what); }

}  // namespace

absl::Status ResultMemory::Accept(const proto::Reply& reply, absl::string_view payload,
                                  absl::Span<OwnedFd> fds,
                                  const std::shared_ptr<SplitMemory>& shared, SplitJob* split,
                                  std::vector<AnswerPiece>* pieces) {
  const auto of_parts =
      std::count_if(reply.pieces().begin(), reply.pieces().end(),
                    [](const proto::Piece& piece) { return piece.source() == proto::Piece::PART; });
  if (static_cast<size_t>(reply.pieces_size() - of_parts) > kMaxResponsePieces) {
    return Broken("too many pieces");  // each may hold a descriptor
  }
  size_t next_fd = 0;
  absl::Status status;
  for (const proto::Piece& piece : reply.pieces()) {
    const bool takes_fd =
        piece.source() == proto::Piece::MEMFD || piece.source() == proto::Piece::FILE;
    if (takes_fd && next_fd == fds.size()) {
      status = Broken("a descriptor is missing");
      break;
    }
    AnswerPiece accepted;
    status = AcceptPiece(piece, JobId::FromWord(reply.id()), &payload,
                         takes_fd ? &fds[next_fd++] : nullptr, shared, split, &accepted);
    if (!status.ok()) break;
    pieces->push_back(std::move(accepted));
    if (piece.bytes() > 0) continue;
    std::vector<AnswerPiece>
        nothing;  // sending would wait for ever for a piece of no bytes to be sent
    nothing.push_back(std::move(pieces->back()));
    pieces->pop_back();
    Release(&nothing);
  }
  if (!status.ok()) Release(pieces);
  return status;
}

absl::Status ResultMemory::AcceptPiece(const proto::Piece& piece, JobId owner,
                                       absl::string_view* payload, OwnedFd* fd,
                                       const std::shared_ptr<SplitMemory>& shared, SplitJob* split,
                                       AnswerPiece* into) {
  into->bytes = piece.bytes();
  into->owner = owner;
  into->offset = piece.offset();
  uint64_t end = 0;
  if (__builtin_add_overflow(piece.offset(), piece.bytes(), &end))
    return Broken("piece beyond any file");
  switch (piece.source()) {
    case proto::Piece::INLINE:
      if (piece.bytes() > payload->size()) return Broken("piece beyond the packet");
      into->data = payload->data();
      payload->remove_prefix(piece.bytes());
      return absl::OkStatus();
    case proto::Piece::MEMFD: {
      if (piece.offset() < ResultHeader::kBytes) return Broken("piece inside the buffer's header");
      absl::StatusOr<MappingCache::Entry*> entry = cache_.Acquire(fd->get(), end, most_bytes_);
      if (!entry.ok()) return entry.status();
      into->result = *entry;
      into->data = (*entry)->mapping.data() + piece.offset();
      return absl::OkStatus();
    }
    case proto::Piece::FILE: {
      const absl::StatusOr<FileIdentity> identity = IdentifyFile(fd->get());
      if (!identity.ok() || !identity->is_regular || identity->size < end)
        return Broken("not such a file");
      into->file = std::move(*fd);
      return absl::OkStatus();
    }
    case proto::Piece::SHARED:
      // No other job gets this memory, so what the kernel holds of it stays this answer's.
      if (shared == nullptr || shared->shared_bytes() < end)
        return Broken("nothing so large shared");
      into->file = shared->DupShared();
      into->shared = shared;
      if (into->file.valid()) return absl::OkStatus();
      return absl::UnavailableError("no file descriptor left for the answer");
    case proto::Piece::PART: {
      if (split == nullptr || piece.part() >= split->parts.size()) return Broken("no such part");
      AnswerPiece& content = split->parts[piece.part()].content;
      if (content.result == nullptr || content.bytes != piece.bytes())
        return Broken("no such content of a part");
      *into = std::exchange(content, AnswerPiece());
      return absl::OkStatus();
    }
    default:
      return Broken("piece of unknown kind");
  }
}

void ResultMemory::Release(std::vector<AnswerPiece>* pieces) {
  for (AnswerPiece& piece : *pieces) {
    if (piece.result == nullptr) continue;
    // The last user of the buffer: its process may write it again - unless it has done so already,
    // because it knew that this answer is wanted no more.
    if (piece.result->pins == 1) {
      uint64_t expected = piece.owner.word();
      auto* const header = reinterpret_cast<ResultHeader*>(piece.result->mapping.data());
      header->in_use.compare_exchange_strong(expected, 0);
    }
    cache_.Release(piece.result);
  }
  pieces->clear();
}

}  // namespace windlass
