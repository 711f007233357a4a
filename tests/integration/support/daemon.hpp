#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "process/child_process.hpp"

namespace factory::test {

/// A real factoryd on free ports of the loopback. Throws std::runtime_error with the daemon's output when a command fails.
/// A sanitizer's report in it fails the test, however it ended. Time-outs here only guard against a hang; nothing sleeps.
class daemon {
 public:
  /// `options` come after --data-dir; a port that they do not name is a free one. start() returns when it printed `ready`.
  explicit daemon(std::filesystem::path data_dir, std::vector<std::string> options = {},
                  std::vector<std::string> environment = {});
  ~daemon();
  daemon(const daemon&) = delete;
  daemon& operator=(const daemon&) = delete;

  void start();
  /// start() without waiting for it.
  void launch();
  void await_ready();
  /// SIGTERM; returns the exit code.
  int stop();
  /// kill -9 when it still runs, and waits until it is gone.
  void kill();
  void restart() {
    stop();
    start();
  }

  std::uint16_t api_port() const { return api_port_; }
  std::uint16_t anomaly_port() const { return anomaly_port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(api_port_); }
  const std::filesystem::path& data_dir() const { return data_dir_; }
  child_process& process() { return *process_; }

 private:
  std::filesystem::path data_dir_;
  std::vector<std::string> options_, environment_;
  std::unique_ptr<child_process> process_;
  std::uint16_t api_port_ = 0, anomaly_port_ = 0;
};

/// A daemon on an empty data directory of its own.
struct fresh_daemon {
  temp_directory directory{"factoryd-test"};
  daemon process;
  explicit fresh_daemon(std::vector<std::string> options = {}) : process(directory.path() / "data", std::move(options)) {
    process.start();
  }
  daemon* operator->() { return &process; }
};

/// Runs a program to its end.
struct finished {
  exit_status status;
  std::string output;
};
finished run(const std::vector<std::string>& command);

}  // namespace factory::test
