#include "bench/server.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <rapidjson/document.h>

#include "bench/load.hpp"
#include "process/child_process.hpp"

namespace factory::bench {

namespace {

using namespace std::chrono_literals;
constexpr std::size_t sensors_per_post = 5'000;

/// The unsigned number after `key` in a text; nullopt when the key is not there.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  return std::strtoull(std::string(text.substr(at + key.size(), 24)).c_str(), nullptr, 10);
}

class factory_server : public server {
 public:
  explicit factory_server(const factory_options& options) : sensors_a_machine_(options.sensors_a_machine) {
    if (options.running_port) {
      port_ = *options.running_port;
      return;
    }
    if (options.directory.empty()) temporary_.emplace("factory-bench");
    directory_ = temporary_ ? temporary_->path() : options.directory;
    std::vector<std::string> command{options.program,  "--data-dir", directory_.string(), "--api-port", "0",
                                     "--anomaly-port", "0"};
    command.insert(command.end(), options.extra.begin(), options.extra.end());
    auto started = child_process::start(command);
    if (!started) throw std::runtime_error(started.error().message);
    process_ = std::move(*started);
    const auto ready = process_->wait_for_line("ready", 60s);
    if (!ready) throw std::runtime_error("factoryd did not start: " + ready.error().message);
    port_ = static_cast<std::uint16_t>(number_after(*ready, "api=http://127.0.0.1:").value());
  }

  ~factory_server() override {
    if (!process_) return;
    process_->signal(SIGTERM);
    (void)process_->wait(60s);  // the destructor kills one that hangs
  }

  void kill() override {
    process_->signal(SIGKILL);
    (void)process_->wait(60s);
    process_.reset();
  }

  std::string name() const override { return "factoryd"; }
  std::uint16_t port() const override { return port_; }

  usage used() override {
    usage out = process_usage(process_ ? process_->pid() : 0);
    if (!directory_.empty()) out.disk_bytes = bytes_below(directory_);
    out.fsyncs = metric("factory_fsyncs_total");
    return out;
  }

  std::vector<std::uint32_t> add_sensors(std::size_t count) override {
    const auto stamp = std::chrono::system_clock::now().time_since_epoch().count();
    const auto factory = create("/api/factories", fmt::format(R"([{{"name":"bench {}","location":"here"}}])", stamp)).at(0);
    const auto a_machine = sensors_a_machine_ == 0 ? count : sensors_a_machine_;
    std::string machines;
    for (std::size_t i = 0; i * a_machine < count; ++i)
      machines += fmt::format(R"({}{{"factory_id":{},"name":"m{}","type":"bench"}})", i == 0 ? "" : ",", factory, i);
    const auto made = create("/api/machines", "[" + machines + "]");
    machine_ = made.at(0);
    std::vector<std::uint32_t> ids;
    while (ids.size() < count) {
      std::string body;
      for (std::size_t i = ids.size(); i < std::min(count, ids.size() + sensors_per_post); ++i)
        fmt::format_to(std::back_inserter(body),
                       R"({}{{"machine_id":{},"name":"s{}","unit":"C","min_threshold":10,"max_threshold":90}})",
                       body.empty() ? "" : ",", made.at(i / a_machine), i);
      const auto created = create("/api/sensors", "[" + body + "]");
      ids.insert(ids.end(), created.begin(), created.end());
    }
    return ids;
  }

  bulk_request bulk(body_shape shape, const std::vector<std::uint32_t>& sensors, std::uint64_t ticks,
                    std::uint64_t variant) const override {
    return {"/api/readings/bulk", shape, sensors, ticks, variant};
  }

  void single(std::string& out, std::uint32_t sensor, int hundredths, std::int64_t time_ms) const override {
    const std::string body =
        fmt::format(R"({{"sensor_id":{},"value":{}.{:02},"timestamp":{}}})", sensor, hundredths / 100, hundredths % 100, time_ms);
    out = request_text("POST", "/api/readings", "application/json", body);
  }

  std::uint64_t acknowledged(const answer& got, std::uint64_t sent) const override {
    const auto inserted = number_after(got.body, "\"inserted\":");
    if (got.status != 201 || inserted != sent)
      throw std::runtime_error(fmt::format("a write was answered {} {}", got.status, got.body));
    return sent;
  }

  void five_aggregates(std::string& out, std::uint32_t sensor, std::int64_t from_ms, std::int64_t to_ms) const override {
    out = request_text("GET", fmt::format("/api/sensors/{}/stats?from={}&to={}", sensor, from_ms, to_ms));
  }

  std::uint64_t aggregated_count(const answer& got) const override {
    const auto count = number_after(got.body, "\"count\":");
    if (got.status != 200 || !count || got.body.find("\"std_dev\":") == got.body.npos)
      throw std::runtime_error(fmt::format("a query was answered {} {}", got.status, got.body));
    return *count;
  }

  std::string means(std::int64_t from_ms, std::int64_t to_ms) const override {
    return request_text("GET", fmt::format("/api/stats?machine_id={}&from={}&to={}", machine_, from_ms, to_ms));
  }

  std::uint64_t mean_count(const answer& got) const override {
    if (got.status != 200) throw std::runtime_error(fmt::format("a query was answered {} {}", got.status, got.body));
    return occurrences(got.body, "\"avg\":");
  }

  void settle() override {
    const auto until = std::chrono::steady_clock::now() + 600s;  // thousands of pipelines read the journal for long
    while (metric("factory_processed_readings_total") < metric("factory_committed_readings_total") ||
           metric("factory_pipeline_lag_readings") > 0 || metric("factory_pipeline_instances_behind") > 0) {
      if (std::chrono::steady_clock::now() > until)
        throw std::runtime_error("committed readings are still not processed, or not seen by pipelines, after 600 s");
      std::this_thread::sleep_for(5ms);
    }
  }

  std::uint64_t stored(const std::vector<std::uint32_t>& sensors) override {
    struct counting : work {
      const factory_server& from;
      const std::vector<std::uint32_t>& sensors;
      std::size_t asked = 0;
      std::string requests[8];
      counting(const factory_server& f, const std::vector<std::uint32_t>& s) : from(f), sensors(s) {}
      std::optional<std::string_view> next(std::size_t connection) override {
        if (asked == sensors.size()) return std::nullopt;
        requests[connection] = request_text("GET", fmt::format("/api/sensors/{}/stats", sensors[asked++]));
        return requests[connection];
      }
      std::uint64_t check(std::size_t, const answer& got) override { return from.aggregated_count(got); }
    } count(*this, sensors);
    return run_load(port_, 8, count, 0).readings;
  }

 private:
  /// Posts an array to a collection; returns the new ids in its order.
  std::vector<std::uint32_t> create(std::string_view target, std::string_view body) {
    const owned_answer got = ask_once(port_, request_text("POST", target, "application/json", body));
    rapidjson::Document document;
    document.Parse(got.body.data(), got.body.size());
    if (got.status != 201 || !document.IsArray())
      throw std::runtime_error(fmt::format("POST {} was answered {} {}", target, got.status, got.body.substr(0, 500)));
    std::vector<std::uint32_t> ids;
    for (const auto& item : document.GetArray()) ids.push_back(item["id"].GetUint());
    return ids;
  }

  std::optional<std::uint64_t> metric(std::string_view name) {
    const auto value = factory_metric(port_, name);
    return value ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
  }

  std::optional<temp_directory> temporary_;
  std::filesystem::path directory_;  // empty: of one that runs elsewhere
  std::unique_ptr<child_process> process_;
  std::uint16_t port_ = 0;
  std::size_t sensors_a_machine_;
  std::uint32_t machine_ = 0;  // of the first sensors
};

}  // namespace

std::optional<double> factory_metric(std::uint16_t port, std::string_view name) {
  const owned_answer got = ask_once(port, request_text("GET", "/metrics"));
  const std::string line = "\n" + std::string(name) + " ";
  const std::size_t at = got.body.find(line);
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(got.body.c_str() + at + line.size(), nullptr);
}

std::unique_ptr<server> make_factory_server(const factory_options& options) { return std::make_unique<factory_server>(options); }

}  // namespace factory::bench
