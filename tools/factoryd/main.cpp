// factoryd: both gateways and the engine behind them, in one process.
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include "factoryd/logging.hpp"
#include "factoryd/options.hpp"
#include "factoryd/token_command.hpp"
#include "http/text/report_text.hpp"

namespace {

using namespace factory;

/// Waits for SIGTERM and SIGINT. It blocks these signals and SIGHUP before any thread starts. The second
/// SIGTERM or SIGINT ends the process at once.
class stop_signals {
 public:
  stop_signals() {
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&awaited_);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&awaited_, number);
    pthread_sigmask(SIG_BLOCK, &awaited_, nullptr);
    std::thread([this] { watch(); }).detach();
  }
  void wait() { first_.get_future().wait(); }

 private:
  void watch() {
    const int number = next();
    spdlog::info("signal {}: answering what is in flight, then ending; a second signal ends at once", number);
    first_.set_value();
    next();
    spdlog::warn("second signal: ending at once");
    std::_Exit(EXIT_FAILURE);
  }
  int next() {
    int number = 0;
    do {
      sigwait(&awaited_, &number);
    } while (number == SIGHUP);  // a closed terminal is no reason to stop measuring
    return number;
  }

  sigset_t awaited_{};
  std::promise<void> first_;
};

/// Connections and RocksDB's files take a descriptor each. Warns when fewer are allowed than wanted.
void raise_descriptor_limit(std::size_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted) {
    spdlog::warn(
        "only {} open files are allowed, {} could be needed: raise the hard limit (ulimit -Hn) or lower --http-connections",
        limit.rlim_cur, wanted);
  }
}

int complain(const std::string& message) {
  fmt::print(stderr, "factoryd: {}\n", message);
  return EXIT_FAILURE;
}

bool is_loopback(const std::string& address) { return address.starts_with("127."); }

/// An address beyond the loopback requires a token. Returns an error message, or "".
std::string protect(daemon_options& how) {
  if (is_loopback(how.api.bind) || how.open) return {};
  const std::string tail =
      "; or bind to 127.0.0.1 and put a proxy in front, or give --open when the network itself keeps strangers out";
  if (how.only == daemon_options::side::anomaly) {
    return fmt::format("--bind {} would serve others than this machine, and the anomaly service alone has no tokens to ask for{}",
                       how.api.bind, tail);
  }
  const auto protects = has_tokens(how.engine.data_dir);
  if (!protects) return protects.error().message;
  if (!*protects) {
    return fmt::format(
        "--bind {} would serve others than this machine, and there is no token yet. Make one first: factoryd token create "
        "--data-dir {} --name admin --scope admin{}",
        how.api.bind, how.engine.data_dir.string(), tail);
  }
  how.api.always_token = how.anomaly.always_token = true;
  return {};
}

class daemon {
 public:
  explicit daemon(daemon_options how) : how_(std::move(how)) {}

  /// Starts to listen, so that /health answers, then recovers, then serves. Returns an error message, or "".
  std::string start() {
    using side = daemon_options::side;
    if (how_.only != side::api) {
      anomaly_ = make_anomaly_gateway(how_.anomaly, how_.only == side::anomaly);
      if (const auto started = anomaly_->start(); !started) return other_port(started.error(), "--anomaly-port");
    }
    if (how_.only == side::anomaly) return {};
    api_ = make_api_gateway(how_.api, {how_.anomaly_url, how_.anomaly_token});
    if (const auto started = api_->start(); !started) return other_port(started.error(), "--api-port");
    engine_config config = how_.engine;
    config.jobs.write_report = write_report;
    auto opened = engine::open(std::move(config));
    if (!opened) return opened.error().message;
    engine_ = std::move(*opened);
    api_->serve(*engine_);
    if (anomaly_) anomaly_->serve(*engine_);
    if (!engine_->tokens().any() && is_loopback(how_.api.bind)) {
      spdlog::info("no token exists: everybody on this machine may do everything, others are not served");
    }
    return {};
  }

  std::string ready_line() const {
    std::string line = "ready";
    if (api_) line += fmt::format(" api=http://{}:{}", how_.api.bind, api_->port());
    if (anomaly_) line += fmt::format(" anomaly=http://{}:{}", how_.anomaly.bind, anomaly_->port());
    return line;
  }

  void stop() {
    {
      const std::jthread beside([this] {
        if (anomaly_) anomaly_->stop();
      });
      if (api_) api_->stop();
    }
    if (engine_) engine_->stop();
  }

 private:
  static std::string other_port(const error& why, std::string_view option) {
    return fmt::format("{}; stop the program that has it, or choose another port with {} or another address with --bind",
                       why.message, option);
  }

  const daemon_options how_;
  // In this order, so that the gateways end before the engine that they call.
  std::unique_ptr<engine> engine_;
  std::unique_ptr<gateway> anomaly_;
  std::unique_ptr<gateway> api_;
};

int run(daemon_options how) {
  start_logging(how.log_format, how.log_level);
  for (const std::string& name : how.unknown_variables)
    spdlog::warn("the variable {} is no option; factoryd --help lists them", name);
  if (how.access_log || how.log_level == "debug") how.api.log_access = how.anomaly.log_access = log_access;
  stop_signals& signals = *new stop_signals;  // never freed: its thread lives to the end of the process
  raise_descriptor_limit(2 * how.api.connections + 1'024);

  if (const std::string wrong = protect(how); !wrong.empty()) return complain(wrong);
  daemon it(std::move(how));
  if (const std::string wrong = it.start(); !wrong.empty()) return complain(wrong);
  fmt::print("{}\n", it.ready_line());
  std::fflush(stdout);
  sd_notify(0, "READY=1");  // to systemd; does nothing without NOTIFY_SOCKET
  signals.wait();
  sd_notify(0, "STOPPING=1");
  it.stop();
  spdlog::info("ended in order");
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) try {
  const auto say = [](const early_end& end) {
    fmt::print(end.code == 0 ? stdout : stderr, "{}", end.text);
    return end.code;
  };
  if (argc > 1 && std::string_view(argv[1]) == "token") return say(run_token_command({argv + 2, argv + argc}));
  auto read = read_options({argv + 1, argv + argc});
  if (const auto* end = std::get_if<early_end>(&read)) return say(*end);
  return run(std::move(std::get<daemon_options>(read)));
} catch (const std::exception& wrong) {
  return complain(wrong.what());
}
