#pragma once

#include <atomic>

namespace factory {

/// Wakes a thread from its epoll. Any thread may ring it. It must live as long as any thread may ring it.
class gate_bell {
 public:
  gate_bell();
  ~gate_bell();
  gate_bell(const gate_bell&) = delete;
  gate_bell& operator=(const gate_bell&) = delete;

  int fd() const { return fd_; }  ///< an eventfd: watch it edge-triggered, never read it
  void ring();
  void heard() { rung_.exchange(false); }  ///< call it before looking for work

 private:
  int fd_;
  std::atomic<bool> rung_{false};
};

}  // namespace factory
