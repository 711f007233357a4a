#pragma once

#include <sys/types.h>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/result.hpp"

namespace factory {

/// How a process ended: by exit(code), or by a signal.
struct exit_status {
  int code = 0;    ///< meaningless when a signal ended it
  int signal = 0;  ///< 0 = it exited by itself
};

/// A program started by this one. What it prints (stdout and stderr) is read all the time, so it never blocks on a full pipe.
/// Killed and reaped by the destructor, and killed by the kernel when this process dies.
/// REQUIRES: the thread that calls start() outlives it (the kernel ties the child to that thread).
class child_process {
 public:
  /// `command[0]` is a path. `environment` entries ("NAME=value") replace ours.
  static expected<std::unique_ptr<child_process>> start(const std::vector<std::string>& command,
                                                        const std::vector<std::string>& environment = {});
  ~child_process();

  pid_t pid() const;
  /// The first line printed that starts with `prefix`; timed_out, or unavailable when the program ended without it
  /// (the message then carries what it printed last).
  expected<std::string> wait_for_line(std::string_view prefix, std::chrono::milliseconds deadline);
  /// The same for the first line with `text` anywhere in it.
  expected<std::string> wait_for_text(std::string_view text, std::chrono::milliseconds deadline);
  void signal(int number);
  /// timed_out when it still runs at the deadline. Afterwards output() has all that it printed.
  expected<exit_status> wait(std::chrono::milliseconds deadline);
  /// The newest of what it printed, at most 64 KiB.
  std::string output() const;

 private:
  expected<std::string> wait_for(std::string_view text, std::size_t last_column, std::chrono::milliseconds deadline);
  struct impl;
  std::unique_ptr<impl> impl_;
  explicit child_process(std::unique_ptr<impl> started);
};

/// A new empty directory under the system's temporary one, removed with all it holds at the end.
class temp_directory {
 public:
  explicit temp_directory(std::string_view name);
  ~temp_directory();
  temp_directory(const temp_directory&) = delete;
  temp_directory& operator=(const temp_directory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace factory
