#include "support/paths.hpp"

namespace factory::test {

std::string source_file(const std::string& name) { return FACTORY_SOURCE_DIR "/" + name; }

std::filesystem::path shared_data(const std::string& name) {
  const std::filesystem::path all = FACTORY_SOURCE_DIR "/../shared/data";
  return name.empty() ? all : all / name;
}

std::string program(const std::string& name) { return FACTORY_BINARY_DIR "/" + name; }

std::string disk_shim() { return FACTORY_DISK_SHIM; }

}  // namespace factory::test
