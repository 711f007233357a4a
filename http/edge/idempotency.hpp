#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http/edge/message.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// Answers by Idempotency-Key: a repeated request gets the first answer and is not executed again. Remembers the newest `capacity`
/// answers of 2xx since the process started; failures are forgotten, so the client can try again. Thread-safe: of two
/// simultaneous requests with one key, the second gets the answer of the first, whatever it is. Nobody waits in once(): an answer that is
/// under way stays so, and the thread serves its other connections meanwhile. It stays under way when its client leaves: who asks again
/// gets it.
///
/// After a restart the memory is empty. That is safe for readings with times: the same reading again is a no-op.
class idempotency_memory {
 public:
  explicit idempotency_memory(std::size_t capacity) : capacity_(capacity) {}

  using waker = std::shared_ptr<const std::function<void()>>;
  /// Gets the waker for its own answer: it wakes all who wait for that.
  using work = std::function<expected<http_response>(const waker& wake)>;
  /// `request_digest` tells a retry from another request under the same key, which is refused with 422. `wake` is called when the answer
  /// may be there. The memory must outlive the answers that it gives.
  expected<http_response> once(std::string_view key, std::uint64_t request_digest, const waker& wake, const work& run);

 private:
  enum class phase : std::uint8_t { running, under_way, finishing, ended };
  struct slot {
    std::string key;
    std::uint64_t request_digest = 0;
    phase now = phase::running;
    http_response answer;                                ///< under way or ended
    std::shared_ptr<const std::function<bool()>> ready;  ///< of an answer under way; may be empty
    std::vector<waker> waiting;
    bool may_be_forgotten = false;  ///< it is in oldest_first_
  };
  using slot_pointer = std::shared_ptr<slot>;
  class interest;

  http_response share(const slot_pointer& of, const waker& wake);
  bool is_ready(const slot_pointer& it);
  http_response finish(const slot_pointer& it);
  void end(const slot_pointer& it, http_response answer);
  void let_be_forgotten(const slot_pointer& it);
  void wake_all(const slot_pointer& it);

  std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable moved_on_;
  std::unordered_map<std::string, slot_pointer> slots_;
  std::deque<slot_pointer> oldest_first_;  ///< of those in slots_, answered or left alone
};

}  // namespace factory
