#include "bench/server.hpp"

#include <unistd.h>
#include <fstream>
#include <iterator>
#include <sstream>

#include <fmt/format.h>

namespace factory::bench {

namespace {

/// User and system time: fields 14 and 15 of /proc/PID/stat, counted behind the name, which may hold spaces.
std::optional<double> cpu_seconds(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  std::uint64_t user_ticks = 0, system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  return static_cast<double>(user_ticks + system_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

usage process_usage(pid_t pid) {
  usage out;
  if (pid == 0) return out;
  out.cpu_seconds = cpu_seconds(pid);
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) out.rss_peak_bytes = std::stoull(line.substr(6)) << 10;
    if (line.starts_with("VmRSS:")) out.rss_bytes = std::stoull(line.substr(6)) << 10;
  }
  std::error_code gone;
  const std::filesystem::directory_iterator descriptors(fmt::format("/proc/{}/fd", pid), gone);
  if (!gone) out.open_files = static_cast<std::uint64_t>(std::distance(begin(descriptors), end(descriptors)));
  return out;
}

std::uint64_t bytes_below(const std::filesystem::path& directory) {
  std::uint64_t total = 0;
  std::error_code gone;  // files come and go under a running server
  for (auto at = std::filesystem::recursive_directory_iterator(directory, gone);
       !gone && at != std::filesystem::recursive_directory_iterator(); at.increment(gone)) {
    const auto bytes = at->is_regular_file(gone) ? at->file_size(gone) : 0;
    if (!gone) total += bytes;
    gone.clear();
  }
  return total;
}

}  // namespace factory::bench
