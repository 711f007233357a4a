#include "process/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

extern "C" {  // glibc 2.36 does not declare it
#include <sys/pidfd.h>
}

namespace factory {

namespace {

constexpr std::size_t output_bytes = 64UL << 10;

std::string system_message(std::string_view what) { return std::string(what) + ": " + std::strerror(errno); }

std::vector<char*> c_strings(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// `given` and those variables of ours whose names it does not have.
std::vector<std::string> with_ours(std::vector<std::string> given) {
  const auto name = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  const std::size_t given_count = given.size();
  for (char** entry = environ; *entry; ++entry)
    if (std::none_of(given.begin(), given.begin() + given_count,
                     [&](const std::string& other) { return name(other) == name(*entry); }))
      given.emplace_back(*entry);
  return given;
}

}  // namespace

struct child_process::impl {
  pid_t pid = 0;
  int pid_fd = -1;
  int out_fd = -1;
  std::optional<exit_status> ended;

  mutable std::mutex lock;
  std::condition_variable printed;
  std::vector<std::string> lines;  // complete ones, all since start
  std::string tail;                // the newest output_bytes
  bool closed = false;
  std::thread reader;

  void read_output() {
    std::string partial;
    char buffer[4096];
    for (;;) {
      const ssize_t got = ::read(out_fd, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      const std::lock_guard guard(lock);
      if (got <= 0) {
        closed = true;
        printed.notify_all();
        return;
      }
      take(partial, {buffer, static_cast<std::size_t>(got)});
      printed.notify_all();
    }
  }

  void take(std::string& partial, std::string_view text) {
    tail += text;
    if (tail.size() > output_bytes) tail.erase(0, tail.size() - output_bytes);
    for (const char c : text) {
      if (c != '\n') {
        partial += c;
        continue;
      }
      lines.push_back(std::move(partial));
      partial.clear();
    }
  }

  bool reap(int poll_ms) {
    if (ended) return true;
    pollfd ready{pid_fd, POLLIN, 0};
    int polled;
    while ((polled = ::poll(&ready, 1, poll_ms)) < 0 && errno == EINTR) {
    }
    if (polled <= 0) return false;
    int status = 0;
    ::waitpid(pid, &status, 0);
    ended = WIFSIGNALED(status) ? exit_status{0, WTERMSIG(status)} : exit_status{WEXITSTATUS(status), 0};
    return true;
  }

  ~impl() {
    if (!ended) {
      ::kill(pid, SIGKILL);
      reap(-1);
    }
    if (reader.joinable()) reader.join();
    ::close(out_fd);
    ::close(pid_fd);
  }
};

child_process::child_process(std::unique_ptr<impl> started) : impl_(std::move(started)) {}
child_process::~child_process() = default;

expected<std::unique_ptr<child_process>> child_process::start(const std::vector<std::string>& command,
                                                              const std::vector<std::string>& environment) {
  if (::access(command.at(0).c_str(), X_OK) != 0) return fail(errc::not_found, system_message("cannot run " + command[0]));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(errc::unavailable, system_message("pipe"));
  const std::vector<std::string> variables = with_ours(environment);
  const std::vector<char*> argv = c_strings(command), envp = c_strings(variables);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail(errc::unavailable, system_message("fork"));
  if (pid == 0) {  // only calls that are safe between fork and exec
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  auto started = std::make_unique<impl>();
  started->pid = pid;
  started->pid_fd = ::pidfd_open(pid, 0);
  started->out_fd = ends[0];
  started->reader = std::thread([&child = *started] { child.read_output(); });
  return std::unique_ptr<child_process>(new child_process(std::move(started)));
}

pid_t child_process::pid() const { return impl_->pid; }

expected<std::string> child_process::wait_for_line(std::string_view prefix, std::chrono::milliseconds deadline) {
  return wait_for(prefix, 0, deadline);
}

expected<std::string> child_process::wait_for_text(std::string_view text, std::chrono::milliseconds deadline) {
  return wait_for(text, std::string::npos - 1, deadline);
}

expected<std::string> child_process::wait_for(std::string_view text, std::size_t last_column,
                                              std::chrono::milliseconds deadline) {
  std::unique_lock guard(impl_->lock);
  const auto until = std::chrono::steady_clock::now() + deadline;
  for (std::size_t seen = 0;;) {
    for (; seen < impl_->lines.size(); ++seen)
      if (impl_->lines[seen].find(text) <= last_column) return impl_->lines[seen];
    if (impl_->closed) return fail(errc::unavailable, "the program ended; it printed:\n" + impl_->tail);
    if (impl_->printed.wait_until(guard, until) == std::cv_status::timeout)
      return fail(errc::timed_out, "no line \"" + std::string(text) + "...\" in time; the program printed:\n" + impl_->tail);
  }
}

void child_process::signal(int number) {
  if (!impl_->ended) ::kill(impl_->pid, number);
}

expected<exit_status> child_process::wait(std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  if (!impl_->reap(static_cast<int>(deadline.count())))
    return fail(errc::timed_out, "the program still runs; it printed:\n" + output());
  // The last output may still be in the pipe. A grandchild may hold the pipe open; then the deadline ends this.
  std::unique_lock guard(impl_->lock);
  impl_->printed.wait_until(guard, until, [&] { return impl_->closed; });
  return *impl_->ended;
}

std::string child_process::output() const {
  const std::lock_guard guard(impl_->lock);
  return impl_->tail;
}

temp_directory::temp_directory(std::string_view name) {
  std::string pattern = (std::filesystem::temp_directory_path() / std::string(name)).string() + "-XXXXXX";
  if (!::mkdtemp(pattern.data())) throw std::runtime_error(system_message("cannot create a directory " + pattern));
  path_ = pattern;
}

temp_directory::~temp_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace factory
