#include "integration/support/daemon.hpp"
#include "support/paths.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <string_view>

namespace factory::test {

namespace {

using namespace std::chrono_literals;
constexpr auto hang_guard = 300s;
constexpr int sanitizer_exit_code = 66;  ///< of CMakePresets.json

/// The port in `key=http://127.0.0.1:PORT`; 0 when the line has no such key.
std::uint16_t port_of(std::string_view line, std::string_view key) {
  const std::string start = std::string(key) + "=http://127.0.0.1:";
  const std::size_t at = line.find(start);
  if (at == std::string_view::npos) return 0;
  return static_cast<std::uint16_t>(std::stoul(std::string(line.substr(at + start.size()))));
}

template <class T>
T or_throw(expected<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

exit_status ended(child_process& process) {
  const exit_status status = or_throw(process.wait(hang_guard));
  const bool spoke = process.output().find("Sanitizer: ") != std::string::npos;  // it was killed while it did
  if (spoke || (status.signal == 0 && status.code == sanitizer_exit_code))
    ADD_FAILURE() << "a sanitizer's report:\n" << process.output();
  return status;
}

}  // namespace

daemon::daemon(std::filesystem::path data_dir, std::vector<std::string> options, std::vector<std::string> environment)
    : data_dir_(std::move(data_dir)), options_(std::move(options)), environment_(std::move(environment)) {}

daemon::~daemon() {
  try {
    kill();
  } catch (const std::runtime_error& still_runs) {
    ADD_FAILURE() << still_runs.what();
  }
}

void daemon::start() {
  launch();
  await_ready();
}

void daemon::await_ready() {
  const std::string ready = or_throw(process_->wait_for_line("ready", hang_guard));
  api_port_ = port_of(ready, "api");
  anomaly_port_ = port_of(ready, "anomaly");
}

void daemon::launch() {
  std::vector<std::string> command{program("factoryd"), "--data-dir", data_dir_.string()};
  for (const char* port : {"--api-port", "--anomaly-port"})
    if (std::ranges::find(options_, port) == options_.end()) command.insert(command.end(), {port, "0"});
  command.insert(command.end(), options_.begin(), options_.end());
  kill();
  process_ = or_throw(child_process::start(command, environment_));
}

int daemon::stop() {
  process_->signal(SIGTERM);
  const exit_status status = ended(*process_);
  if (status.signal != 0) throw std::runtime_error("factoryd ended by signal; it printed:\n" + process_->output());
  return status.code;
}

void daemon::kill() {
  if (!process_) return;
  process_->signal(SIGKILL);
  ended(*process_);
}

finished run(const std::vector<std::string>& command) {
  const auto child = or_throw(child_process::start(command));
  const exit_status status = ended(*child);
  return {status, child->output()};
}

}  // namespace factory::test
