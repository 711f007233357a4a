#pragma once

#include <csignal>
#include <ctime>

#include <cstdint>

namespace factory {

/// Waits for SIGINT and SIGTERM, which do nothing else while this object lives. Create it before any thread.
class stop_request {
 public:
  stop_request() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals_, nullptr);
  }
  /// Waits up to `ms`; true as soon as a signal came.
  bool within_ms(std::int64_t ms) {
    const timespec longest{ms / 1'000, ms % 1'000 * 1'000'000};
    if (!came_) came_ = sigtimedwait(&signals_, nullptr, &longest) > 0;
    return came_;
  }

 private:
  sigset_t signals_;
  bool came_ = false;
};

}  // namespace factory
