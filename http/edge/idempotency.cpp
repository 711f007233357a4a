#include "http/edge/idempotency.hpp"

#include "http/edge/problem.hpp"

namespace factory {

expected<http_response> idempotency_memory::once(std::string_view key_text, std::uint64_t request_digest, const work& run) {
  const std::string key(key_text);
  auto mine = std::make_shared<slot>();
  mine->request_digest = request_digest;
  {
    std::unique_lock lock(mutex_);
    while (true) {
      const auto [found, fresh] = slots_.try_emplace(key, mine);
      if (fresh) break;
      const std::shared_ptr<slot> first = found->second;
      if (first->request_digest != request_digest) return problem(422, "This Idempotency-Key was used for another request");
      ended_.wait(lock, [&] { return first->ended; });
      if (first->answered) return first->answer;
    }
  }
  try {
    auto done = run();
    end(key, *mine, &done);
    return done;
  } catch (...) {
    end(key, *mine, nullptr);
    throw;
  }
}

void idempotency_memory::end(const std::string& key, slot& mine, const expected<http_response>* done) {
  {
    const std::lock_guard lock(mutex_);
    mine.answered = done != nullptr && *done && (*done)->status < 300;
    if (mine.answered) {
      mine.answer = **done;
      oldest_first_.push_back(key);
    } else {
      slots_.erase(key);
    }
    mine.ended = true;
    if (oldest_first_.size() > capacity_) {
      slots_.erase(oldest_first_.front());
      oldest_first_.pop_front();
    }
  }
  ended_.notify_all();
}

}  // namespace factory
