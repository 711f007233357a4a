#include "factoryd/options.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <functional>
#include <set>
#include <string_view>
#include <utility>

#include "actors/engine/limits.hpp"
#include "http/edge/limits.hpp"
#include "pipelines/model/time.hpp"

namespace factory {

namespace {

constexpr int bad_options = 2;
constexpr std::uint16_t default_api_port = 8080, default_anomaly_port = 3001;

/// The text that parse_duration_us reads back: 90000000 to "90s".
std::string duration_text(std::int64_t us) {
  if (us == 0) return "0";
  constexpr std::array<std::pair<std::int64_t, const char*>, 4> units{
      {{86'400'000'000, "d"}, {3'600'000'000, "h"}, {60'000'000, "m"}, {1'000'000, "s"}}};
  for (const auto& [unit, name] : units) {
    if (us % unit == 0) return fmt::format("{}{}", us / unit, name);
  }
  return fmt::format("{}ms", us / 1'000);
}

/// The options under their names, bound to the values that they set.
class option_table {
 public:
  explicit option_table(daemon_options& out) : out_(out) {
    app_.get_formatter()->column_width(34);
    add_sides();
    add_engine();
    add_jobs();
    app_.add_option("--config", config_file_, "a TOML or INI file with these options")
        ->envname("FACTORY_CONFIG")
        ->configurable(false);
    app_.add_flag("--print-config", print_config_, "print the options as a configuration file, and end")->configurable(false);
  }

  /// Reads flags and variables, then the file for the options that these did not set. Throws CLI::Error.
  void parse(std::vector<std::string> arguments) {
    std::ranges::reverse(arguments);
    app_.parse(std::move(arguments));
    if (!config_file_.empty()) read_file();
    settle();
  }

  bool print_config() const { return print_config_; }
  std::string config_text() const { return app_.config_to_str(true, true); }
  CLI::App& app() { return app_; }

 private:
  template <class T>
  CLI::Option* add(const std::string& name, T& value, const std::string& what) {
    return with_variable(app_.add_option("--" + name, value, what)->capture_default_str(), name);
  }

  /// A length of time as text. 0 is "never" where a job can be switched off.
  CLI::Option* add_duration(const std::string& name, std::int64_t& us, const std::string& what, bool may_be_zero = false) {
    const auto take = [&us, name, may_be_zero](const std::string& text) {
      const auto parsed = parse_duration_us(text);
      if (!parsed && !(may_be_zero && text == "0")) {
        throw CLI::ValidationError("--" + name, "'" + text + "' is no length of time; write 250ms, 10s, 5m, 1h or 1d");
      }
      us = parsed.value_or(0);
    };
    return with_variable(app_.add_option_function<std::string>("--" + name, take, what)->default_str(duration_text(us)), name);
  }

  static CLI::Option* with_variable(CLI::Option* option, const std::string& name) {
    std::string variable = "FACTORY_" + name;
    for (char& c : variable) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return option->envname(variable);
  }

  void add_sides() {
    data_dir_ = "data";
    out_.api.port = default_api_port;
    out_.anomaly.port = default_anomaly_port;
    add("data-dir", data_dir_, "where everything is stored; made when missing");
    add("snapshot-dir", snapshot_dir_, "where POST /api/admin/snapshot puts them; empty = the folder snapshots in data-dir");
    add("api-port", out_.api.port, "port of the REST API; 0 picks a free one");
    add("anomaly-port", out_.anomaly.port, "port of the anomaly service; 0 picks a free one");
    add("bind", out_.api.bind, "IPv4 address to listen on");
    add("only", only_, "api or anomaly: one side alone")->check(CLI::IsMember({"both", "api", "anomaly"}));
    add("anomaly-url", out_.anomaly_url, "anomaly service that the API asks; without it and --only api, this process");
    add("anomaly-token", out_.anomaly_token, "token for the service at --anomaly-url, when that asks for one");
    with_variable(app_.add_flag("--open", out_.open, "serve an address that is not the loopback without asking for a token"),
                  "open");
    add("http-threads", out_.api.threads, "threads of each gateway")->check(CLI::Range(1U, 255U));
    add("http-connections", connections_, "connections of each gateway; one more is closed at once")
        ->check(CLI::Range(1UL, 1'000'000UL));
    add("http-connections-per-address", per_address_, "of these, from one client address; a --trusted-proxy may have all")
        ->check(CLI::Range(1UL, 1'000'000UL));
    add_rates();
    add("trusted-proxy", trusted_proxies_,
        "addresses and networks whose X-Forwarded-For or Forwarded is believed, with commas between");
    add("cors-origin", out_.api.cors_origins, "origins whose web pages may call, with commas between, or *; none when empty");
    with_variable(app_.add_flag("--notify-private", out_.api.notify.allow_private,
                                "notifications of all channels may go to private, loopback and link-local addresses"),
                  "notify-private");
    add("notify-ca", out_.api.notify.ca_file,
        "certificates (PEM) that receivers of notifications are checked against; empty = the system's");
    add_duration("drain-time", drain_us_, "on SIGTERM, requests in flight have this long to be answered");
    add("log-level", out_.log_level, "debug, info, warn or error")->check(CLI::IsMember({"debug", "info", "warn", "error"}));
    add("log-format", out_.log_format, "text, or json: an object a line")->check(CLI::IsMember({"text", "json"}));
    with_variable(app_.add_flag("--access-log", out_.access_log, "log every request, whatever --log-level says"), "access-log");
  }

  void add_rates() {
    struct named {
      const char* whose;
      rate_rule& rule;
    };
    for (const auto& [whose, rule] : {named{"address", out_.api.admit.per_address}, named{"token", out_.api.admit.per_token}}) {
      add(std::string("http-rate-per-") + whose, rule.per_s,
          "requests a second of a client " + std::string(whose) + "; beyond: 429; 0 = any number")
          ->check(CLI::Range(std::int64_t{0}, limits::request_rate));
      add(std::string("http-burst-per-") + whose, rule.burst, "of these, at once after a pause; 0 = as many as in a second")
          ->check(CLI::Range(std::int64_t{0}, limits::request_rate));
    }
  }

  void add_engine() {
    engine_config& engine = out_.engine;
    add("worker-threads", engine.worker_threads, "threads of the actors; 0 = one a core");
    add("analysis-actors", engine.analysis_actors, "anomaly and threshold actors each; 0 = as many as worker threads");
    add_duration("allowed-lateness", engine.allowed_lateness_us, "readings out of order by more are flagged late");
    add_duration("future-skew", engine.future_skew_us, "readings further ahead of the clock are flagged future");
    add_duration("time-window", engine.time_window_us, "length of the window by time");
    add("z-threshold", engine.z_threshold, "|z| above it is an anomaly while streaming")->check(CLI::PositiveNumber);
    add("z-min-readings", engine.z_min_readings, "a window with fewer gives no verdict")->check(CLI::Range(2U, 100U));
    add("machine-detector", machine_detector_, "on or off: watches the sensors of each machine together")
        ->check(CLI::IsMember({"on", "off"}));
    engine.in_flight_readings = limits::in_flight_readings;
    engine.journal_bytes_per_checkpoint = limits::journal_bytes_per_checkpoint;
    add("in-flight-readings", engine.in_flight_readings, "readings between socket and window; beyond: 503")
        ->check(CLI::PositiveNumber);
    add("checkpoint-bytes", engine.journal_bytes_per_checkpoint, "journal bytes between checkpoints")->check(CLI::PositiveNumber);
  }

  void add_jobs() {
    job_config& jobs = out_.engine.jobs;
    add_duration("rollup-every", jobs.rollup_every_us, "schedule of the roll-ups; 0 = never", true);
    add_duration("retention-every", jobs.retention_every_us, "schedule of retention; 0 = never", true);
    add_duration("anomaly-scan-every", jobs.anomaly_scan_every_us, "schedule of the anomaly scan; 0 = never", true);
    add_duration("report-every", jobs.report_every_us, "schedule of the factories' reports; 0 = never", true);
    add_duration("rewrite-every", jobs.rewrite_every_us, "schedule of joining small blocks; 0 = never", true);
    add_duration("retention", jobs.retention_us, "readings are kept this long; 0 = for ever", true);
    add_duration("event-retention", jobs.event_retention_us,
                 "anomalies and alerts that are over are kept this long; 0 = for ever", true);
    add("scan-readings", jobs.scan_readings, "newest readings per sensor in a scan")
        ->check(CLI::Range(2UL, limits::analysis_readings));
    add("scan-threshold", jobs.scan_threshold, "|z| above it is an anomaly in a scan")->check(CLI::PositiveNumber);
  }

  void read_file() {
    std::ifstream file(config_file_);
    if (!file) throw CLI::FileError::Missing(config_file_);
    for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(file)) {
      if (item.name == "++" || item.name == "--") continue;  // how CLI11 marks the beginning and end of a section
      CLI::Option* option = item.parents.empty() ? app_.get_option_no_throw("--" + item.name) : nullptr;
      if (option == nullptr || !option->get_configurable()) {
        throw CLI::ConfigError(config_file_ + ": there is no option '" + item.fullname() +
                               "'; factoryd --print-config lists them");
      }
      if (option->count() > 0) continue;
      option->add_result(item.inputs);
      option->run_callback();
    }
  }

  /// Derives settings from several options.
  void settle() {
    using side = daemon_options::side;
    out_.only = only_ == "api" ? side::api : only_ == "anomaly" ? side::anomaly : side::both;
    if (out_.only == side::api && out_.anomaly_url.empty()) {
      out_.anomaly_url = fmt::format("http://127.0.0.1:{}", out_.anomaly.port);
    }
    out_.api.connections = connections_;
    out_.api.connections_per_address = per_address_;
    out_.api.drain_ms = drain_us_ / 1'000;
    auto proxies = address_list::parse(trusted_proxies_);
    if (!proxies) throw CLI::ValidationError("--trusted-proxy", proxies.error().message);
    out_.api.admit.trusted_proxies = std::move(*proxies);
    const std::uint16_t anomaly_port = out_.anomaly.port;
    out_.anomaly = out_.api;
    out_.anomaly.port = anomaly_port;
    out_.engine.data_dir = data_dir_;
    out_.engine.snapshot_dir = snapshot_dir_;
    out_.engine.machine_detector = machine_detector_ == "on";
    find_unknown_variables();
  }

  void find_unknown_variables() {
    std::set<std::string, std::less<>> known{"FACTORY_URL", "FACTORY_TOKEN"};  // of tools/dev and the clients
    for (const CLI::Option* option : app_.get_options()) known.insert(option->get_envname());
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text = *entry, name = text.substr(0, text.find('='));
      if (name.starts_with("FACTORY_") && !known.contains(name)) out_.unknown_variables.emplace_back(name);
    }
  }

  daemon_options& out_;
  CLI::App app_{"Takes sensor readings, watches them, stores them, answers over REST.", "factoryd"};
  std::string config_file_, data_dir_, snapshot_dir_, only_ = "both", trusted_proxies_;
  std::size_t connections_ = limits::connections, per_address_ = limits::connections_per_address;
  std::int64_t drain_us_ = limits::drain_ms * 1'000;
  bool print_config_ = false;
  std::string machine_detector_ = "on";
};

}  // namespace

std::variant<daemon_options, early_end> read_options(std::vector<std::string> arguments) {
  daemon_options out;
  option_table table(out);
  try {
    table.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return early_end{0, table.app().help()};
  } catch (const CLI::Error& wrong) {
    return early_end{bad_options, fmt::format("factoryd: {}\n", wrong.what())};
  }
  if (table.print_config()) return early_end{0, table.config_text()};
  return out;
}

}  // namespace factory
