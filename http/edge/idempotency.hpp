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
#include <vector>

#include "http/edge/message.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// Answers by Idempotency-Key: a repeated request gets the first answer and is not executed again. Remembers the newest `capacity`
/// answers of 2xx since the process started; failures are forgotten, so the client can try again. Thread-safe: of two
/// simultaneous requests with one key, the second gets the answer of the first, whatever it is. Nobody waits in once(): an answer that is
/// under way stays so, and the thread serves its other connections meanwhile.
///
/// After a restart the memory is empty. That is safe for readings with times: the same reading again is a no-op.
class idempotency_memory {
 public:
  explicit idempotency_memory(std::size_t capacity) : capacity_(capacity) {}

  using work = std::function<expected<http_response>()>;
  using waker = std::shared_ptr<const std::function<void()>>;
  /// `request_digest` tells a retry from another request under the same key, which is refused with 422. `wake` is called when an answer
  /// that this one waits for is there. The memory must outlive the answers that it gives.
  expected<http_response> once(std::string_view key, std::uint64_t request_digest, const waker& wake, const work& run);

 private:
  struct slot {
    std::uint64_t request_digest = 0;
    bool ended = false;
    http_response answer;  ///< valid once `ended`
    std::vector<waker> waiting;
  };
  class work_under_way;
  http_response answer_of(const std::shared_ptr<slot>& first, const waker& wake);
  void end(const std::string& key, slot& mine, http_response answer);

  std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::unordered_map<std::string, std::shared_ptr<slot>> slots_;
  std::deque<std::string> oldest_first_;  ///< keys of answered requests
};

}  // namespace factory
