#include "integration/support/faulty_disk.hpp"
#include "support/paths.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <stdexcept>

namespace factory::test {

faulty_disk::faulty_disk(const std::filesystem::path& directory) : file_(directory / "fault_order") {
  const int fd = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* memory = MAP_FAILED;
  if (fd >= 0 && ::ftruncate(fd, sizeof(shim::fault_order)) == 0)
    memory = ::mmap(nullptr, sizeof(shim::fault_order), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) ::close(fd);
  if (memory == MAP_FAILED) throw std::runtime_error("cannot map " + file_.string());
  order_ = new (memory) shim::fault_order;
}

faulty_disk::~faulty_disk() { ::munmap(order_, sizeof(shim::fault_order)); }

std::vector<std::string> faulty_disk::environment(const std::filesystem::path& data) const {
  return {"LD_PRELOAD=" + disk_shim(), "FACTORY_SHIM_DIR=" + data.string(), "FACTORY_SHIM_FAULT=" + file_.string()};
}

void faulty_disk::fail(shim::fault how, std::string_view files) {
  heal();
  order_->files[files.copy(order_->files, sizeof order_->files - 1)] = 0;
  order_->hits = 0;
  order_->how = how;
}

}  // namespace factory::test
