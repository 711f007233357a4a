#pragma once

#include <atomic>

namespace factory {

/// Makes a thread that sits in its epoll look again. Rung from any thread; lives as long as somebody may ring it.
class gate_bell {
 public:
  gate_bell();
  ~gate_bell();
  gate_bell(const gate_bell&) = delete;
  gate_bell& operator=(const gate_bell&) = delete;

  int fd() const { return fd_; }  ///< an eventfd, to be watched for edges and never read
  void ring();
  void heard() { rung_.exchange(false); }  ///< before looking

 private:
  int fd_;
  std::atomic<bool> rung_{false};
};

}  // namespace factory
