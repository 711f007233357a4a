#include "storage/events/finding_digest.hpp"

#include <xxhash.h>

#include <string>

namespace factory {

struct finding_digest::hash {
  XXH3_state_t* state = XXH3_createState();
  hash() { XXH3_64bits_reset(state); }
  ~hash() { XXH3_freeState(state); }
  hash(const hash&) = delete;
  hash& operator=(const hash&) = delete;
};

finding_digest::finding_digest() : hash_(std::make_unique<hash>()) {}
finding_digest::~finding_digest() = default;

void finding_digest::add(const finding& next) {
  std::string bytes;
  put_for_digest(bytes, next);
  XXH3_64bits_update(hash_->state, bytes.data(), bytes.size());
}

std::uint64_t finding_digest::value() const { return XXH3_64bits_digest(hash_->state); }

}  // namespace factory
