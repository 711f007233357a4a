#include "http/edge/idempotency.hpp"

#include <utility>

#include "http/edge/problem.hpp"

namespace factory {

namespace {

http_response came_to_nothing() { return problem(503, "The request ended without an answer; send it again"); }

}  // namespace

/// Ends its slot in any case: also when its client has gone and nobody asks for the answer any more.
class idempotency_memory::work_under_way {
 public:
  work_under_way(idempotency_memory& memory, std::string key, std::shared_ptr<slot> mine)
      : memory_(memory), key_(std::move(key)), mine_(std::move(mine)) {}
  ~work_under_way() {
    if (mine_) end(came_to_nothing());
  }
  work_under_way(const work_under_way&) = delete;
  work_under_way& operator=(const work_under_way&) = delete;
  void end(http_response answer) {
    if (const auto mine = std::exchange(mine_, nullptr)) memory_.end(key_, *mine, std::move(answer));
  }

 private:
  idempotency_memory& memory_;
  std::string key_;
  std::shared_ptr<slot> mine_;
};

expected<http_response> idempotency_memory::once(std::string_view key, std::uint64_t request_digest, const waker& wake,
                                                 const work& run) {
  auto mine = std::make_shared<slot>();
  mine->request_digest = request_digest;
  {
    const std::lock_guard lock(mutex_);
    const auto [found, fresh] = slots_.try_emplace(std::string(key), mine);
    if (!fresh) {
      if (found->second->request_digest != request_digest)
        return problem(422, "This Idempotency-Key was used for another request");
      return answer_of(found->second, wake);
    }
  }
  const auto under_way = std::make_shared<work_under_way>(*this, std::string(key), std::move(mine));
  auto done = run();
  if (!done) {
    under_way->end(problem(done.error()));
    return done;
  }
  return when_complete(std::move(*done), [under_way](http_response& whole) { under_way->end(whole); });
}

/// REQUIRES the lock.
http_response idempotency_memory::answer_of(const std::shared_ptr<slot>& first, const waker& wake) {
  if (first->ended) return first->answer;
  if (wake) first->waiting.push_back(wake);
  http_response answer;
  answer.ready = [this, first] {
    const std::lock_guard lock(mutex_);
    return first->ended;
  };
  answer.finish = [this, first](http_response& whole) {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return first->ended; });
    whole = first->answer;
  };
  return answer;
}

void idempotency_memory::end(const std::string& key, slot& mine, http_response answer) {
  std::vector<waker> waiting;
  {
    const std::lock_guard lock(mutex_);
    mine.ended = true;
    mine.answer = std::move(answer);
    waiting = std::exchange(mine.waiting, {});
    if (mine.answer.status < 300)
      oldest_first_.push_back(key);
    else
      slots_.erase(key);
    if (oldest_first_.size() > capacity_) {
      slots_.erase(oldest_first_.front());
      oldest_first_.pop_front();
    }
  }
  ended_.notify_all();
  for (const waker& each : waiting) (*each)();
}

}  // namespace factory
