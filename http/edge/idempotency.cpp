#include "http/edge/idempotency.hpp"

#include <utility>

#include "http/edge/problem.hpp"

namespace factory {

/// Of one client in an answer under way. When it goes, the answer may be forgotten like those that are there.
class idempotency_memory::interest {
 public:
  interest(idempotency_memory& memory, slot_pointer in) : memory_(memory), in_(std::move(in)) {}
  ~interest() {
    const std::lock_guard lock(memory_.mutex_);
    if (in_->now == phase::under_way) memory_.let_be_forgotten(in_);
  }
  interest(const interest&) = delete;
  interest& operator=(const interest&) = delete;

 private:
  idempotency_memory& memory_;
  slot_pointer in_;
};

expected<http_response> idempotency_memory::once(std::string_view key, std::uint64_t request_digest, const waker& wake,
                                                 const work& run) {
  auto mine = std::make_shared<slot>();
  mine->key = key;
  mine->request_digest = request_digest;
  {
    std::unique_lock lock(mutex_);
    const auto [found, fresh] = slots_.try_emplace(mine->key, mine);
    if (!fresh) {
      const auto first = found->second;
      lock.unlock();
      if (first->request_digest != request_digest) return problem(422, "This Idempotency-Key was used for another request");
      return share(first, wake);
    }
  }
  // Not the slot itself: it will hold the answer, which holds this.
  const auto wake_who_waits = [this, waits = std::weak_ptr(mine)] {
    if (const auto there = waits.lock()) wake_all(there);
  };
  try {
    auto done = run(wake ? std::make_shared<const std::function<void()>>(wake_who_waits) : nullptr);
    if (!done || !done->finish) {
      end(mine, done ? *done : problem(done.error()));
      return done;
    }
    const std::lock_guard lock(mutex_);
    if (done->ready) mine->ready = std::make_shared<const std::function<bool()>>(std::exchange(done->ready, {}));
    mine->answer = std::move(*done);
    mine->now = phase::under_way;
  } catch (...) {
    end(mine, problem(503, "The request ended without an answer; send it again"));
    throw;
  }
  moved_on_.notify_all();
  return share(mine, wake);
}

/// The answer, or one that becomes it.
http_response idempotency_memory::share(const slot_pointer& of, const waker& wake) {
  const std::lock_guard lock(mutex_);
  if (of->now == phase::ended) return of->answer;
  if (wake) of->waiting.push_back(wake);
  const auto interested = std::make_shared<interest>(*this, of);
  http_response answer;
  answer.ready = [this, of] { return is_ready(of); };
  answer.finish = [this, of, interested](http_response& whole) { whole = finish(of); };
  return answer;
}

/// Asks without the lock: the answer may call its waker.
bool idempotency_memory::is_ready(const slot_pointer& it) {
  std::shared_ptr<const std::function<bool()>> ready;
  {
    const std::lock_guard lock(mutex_);
    if (it->now != phase::under_way) return it->now == phase::ended;
    ready = it->ready;
  }
  return !ready || (*ready)();
}

/// The first one that comes completes the answer, for all.
http_response idempotency_memory::finish(const slot_pointer& it) {
  std::unique_lock lock(mutex_);
  moved_on_.wait(lock, [&] { return it->now == phase::under_way || it->now == phase::ended; });
  if (it->now == phase::ended) return it->answer;
  it->now = phase::finishing;
  auto answer = std::exchange(it->answer, {});
  it->ready.reset();
  lock.unlock();
  try {
    answer = complete(std::move(answer));
  } catch (...) {
    end(it, problem(503, "The request ended without an answer; send it again"));
    throw;
  }
  end(it, answer);
  return answer;
}

void idempotency_memory::end(const slot_pointer& it, http_response answer) {
  {
    const std::lock_guard lock(mutex_);
    it->now = phase::ended;
    it->answer = std::move(answer);
    if (it->answer.status < 300) {
      let_be_forgotten(it);
    } else if (const auto known = slots_.find(it->key); known != slots_.end() && known->second == it) {
      slots_.erase(known);
    }
  }
  moved_on_.notify_all();
  wake_all(it);
}

/// REQUIRES the lock.
void idempotency_memory::let_be_forgotten(const slot_pointer& it) {
  if (std::exchange(it->may_be_forgotten, true)) return;
  oldest_first_.push_back(it);
  if (oldest_first_.size() <= capacity_) return;
  const auto oldest = std::move(oldest_first_.front());
  oldest_first_.pop_front();
  if (const auto known = slots_.find(oldest->key); known != slots_.end() && known->second == oldest) slots_.erase(known);
}

void idempotency_memory::wake_all(const slot_pointer& it) {
  std::vector<waker> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting = it->now == phase::ended ? std::exchange(it->waiting, {}) : it->waiting;
  }
  for (const waker& each : waiting) (*each)();
}

}  // namespace factory
