#include "bench/server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <rapidjson/document.h>

#include "process/child_process.hpp"

namespace factory::bench {

namespace {

using namespace std::chrono_literals;

/// A port that was free a moment ago, because InfluxDB cannot pick one and report it.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof here;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&here), bytes) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&here), &bytes) == 0;
  ::close(fd);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(here.sin_port);
}

/// Percent-encodes what a query string cannot carry.
std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text)
    out +=
        std::isalnum(static_cast<unsigned char>(c)) ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return out;
}

/// Its defaults (every write fsynced to its log before it is acknowledged), without reports, request log and limits on series.
constexpr std::string_view config_text = R"(reporting-disabled = true
bind-address = "127.0.0.1:{rpc_port}"
[meta]
  dir = "{dir}/meta"
[data]
  dir = "{dir}/data"
  wal-dir = "{dir}/wal"
  query-log-enabled = false
  max-series-per-database = 0
  max-values-per-tag = 0
{compaction}[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http_port}"
  log-enabled = false
[continuous_queries]
  enabled = false
[logging]
  level = "error"
)";

constexpr std::string_view compacted_soon = R"(  cache-snapshot-write-cold-duration = "1s"
  compact-full-write-cold-duration = "1s"
)";

class influxdb_server : public server {
 public:
  explicit influxdb_server(influxdb_use what_for) : port_(free_port()) {
    const bool storing = what_for == influxdb_use::storing;
    const std::filesystem::path config = directory_.path() / "influxdb.conf";
    std::ofstream(config) << fmt::format(config_text, fmt::arg("rpc_port", free_port()), fmt::arg("http_port", port_),
                                         fmt::arg("dir", directory_.path().string()),
                                         fmt::arg("compaction", storing ? compacted_soon : std::string_view()));
    auto started = child_process::start({"/usr/bin/influxd", "-config", config.string()});
    if (!started) throw std::runtime_error(started.error().message + " (it comes with Debian's package influxdb)");
    process_ = std::move(*started);
    wait_until_it_answers();
    query(storing ? "CREATE DATABASE bench WITH DURATION INF SHARD DURATION 5200w" : "CREATE DATABASE bench");
  }

  ~influxdb_server() override {
    process_->signal(SIGTERM);
    (void)process_->wait(60s);  // the destructor kills one that hangs
  }

  std::string name() const override { return "influxdb"; }
  std::uint16_t port() const override { return port_; }
  std::filesystem::path directory() const override { return directory_.path(); }

  usage used() override {
    usage out = process_usage(process_->pid());
    out.disk_bytes = bytes_below(directory_.path());
    return out;
  }

  std::vector<std::uint32_t> add_sensors(std::size_t count) override {  // series come into being when written
    std::vector<std::uint32_t> out(count);
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<std::uint32_t>(i + 1);
    return out;
  }

  bulk_request bulk(body_shape, const std::vector<std::uint32_t>& sensors, std::uint64_t ticks,
                    std::uint64_t variant) const override {
    return {"/write?db=bench&precision=ms", body_shape::line_protocol, sensors, ticks, variant};
  }

  void single(std::string& out, std::uint32_t sensor, int hundredths, std::int64_t time_ms) const override {
    out = request_text("POST", "/write?db=bench&precision=ms", "text/plain",
                       fmt::format("reading,sensor={} value={}.{:02} {}\n", sensor, hundredths / 100, hundredths % 100, time_ms));
  }

  std::uint64_t acknowledged(const answer& got, std::uint64_t sent) const override {
    if (got.status != 204) throw std::runtime_error(fmt::format("a write was answered {} {}", got.status, got.body));
    return sent;
  }

  void five_aggregates(std::string& out, std::uint32_t sensor, std::int64_t from_ms, std::int64_t to_ms) const override {
    out =
        query_text(fmt::format("SELECT mean(value),min(value),max(value),count(value),stddev(value) FROM reading "
                               "WHERE sensor='{}' AND time>={}ms AND time<{}ms",
                               sensor, from_ms, to_ms));
  }

  std::uint64_t aggregated_count(const answer& got) const override { return row(got, 0)[4].GetUint64(); }

  std::string means(std::int64_t from_ms, std::int64_t to_ms) const override {
    return query_text(
        fmt::format("SELECT mean(value) FROM reading WHERE time>={}ms AND time<{}ms GROUP BY sensor", from_ms, to_ms));
  }

  std::uint64_t mean_count(const answer& got) const override { return occurrences(got.body, "\"tags\""); }

  void settle() override {}

  std::uint64_t stored(const std::vector<std::uint32_t>&) override {
    const owned_answer got = query("SELECT count(value) FROM reading");
    return row({got.status, got.body}, 0)[1].GetUint64();
  }

 private:
  static std::string query_text(std::string_view text) { return request_text("GET", "/query?db=bench&q=" + encoded(text)); }

  owned_answer query(std::string_view text) {
    owned_answer got = ask_once(port_, request_text("POST", "/query?db=bench&q=" + encoded(text), "text/plain", ""));
    if (got.status != 200) throw std::runtime_error(fmt::format("a query was answered {} {}", got.status, got.body));
    return got;
  }

  /// A row of the first series of an answer; throws when there is none.
  rapidjson::Value& row(const answer& got, unsigned index) const {
    document_.Parse(got.body.data(), got.body.size());
    if (got.status != 200 || document_.HasParseError() || !document_["results"][0].HasMember("series"))
      throw std::runtime_error(fmt::format("a query was answered {} {}", got.status, got.body));
    return document_["results"][0]["series"][0]["values"][index];
  }

  void wait_until_it_answers() {
    const std::string ping = request_text("GET", "/ping");
    for (const auto until = std::chrono::steady_clock::now() + 60s;;) {
      try {
        ask_once(port_, ping);
        return;
      } catch (const std::runtime_error&) {
        if (process_->wait(0ms) || std::chrono::steady_clock::now() > until)
          throw std::runtime_error("influxd did not start; it printed:\n" + process_->output());
      }
      std::this_thread::sleep_for(20ms);
    }
  }

  temp_directory directory_{"factory-bench-influxdb"};
  std::uint16_t port_;
  std::unique_ptr<child_process> process_;
  mutable rapidjson::Document document_;
};

}  // namespace

std::unique_ptr<server> make_influxdb_server(influxdb_use what_for) { return std::make_unique<influxdb_server>(what_for); }

}  // namespace factory::bench
