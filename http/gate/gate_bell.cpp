#include "http/gate/gate_bell.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace factory {

gate_bell::gate_bell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

gate_bell::~gate_bell() { ::close(fd_); }

void gate_bell::ring() {
  if (!rung_.exchange(true)) ::eventfd_write(fd_, 1);
}

}  // namespace factory
