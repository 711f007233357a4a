#pragma once

#include <sys/types.h>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/bodies.hpp"
#include "bench/wire.hpp"

namespace factory::bench {

/// Resources that a server has used so far; nullopt where they are unknown (another machine, another product).
struct usage {
  std::optional<double> cpu_seconds;
  std::optional<std::uint64_t> rss_bytes, rss_peak_bytes;
  std::optional<std::uint64_t> fsyncs;
  std::optional<std::uint64_t> disk_bytes;
  std::optional<std::uint64_t> open_files;
};

/// CPU, memory and descriptors of a process from /proc; empty for pid 0.
usage process_usage(pid_t pid);
/// Sum of the sizes of the files below a directory.
std::uint64_t bytes_below(const std::filesystem::path& directory);

/// The server under load: its requests and the reading of its answers. Throws std::runtime_error on any failure.
class server {
 public:
  virtual ~server() = default;
  virtual std::string name() const = 0;
  virtual std::uint16_t port() const = 0;
  /// The server's data directory; empty when unknown.
  virtual std::filesystem::path directory() const { return {}; }
  virtual usage used() = 0;
  /// Creates `count` sensors that store and analyse readings; returns their ids.
  virtual std::vector<std::uint32_t> add_sensors(std::size_t count) = 0;

  virtual bulk_request bulk(body_shape shape, const std::vector<std::uint32_t>& sensors, std::uint64_t ticks,
                            std::uint64_t variant) const = 0;
  /// Writes the request that posts one reading into `out`.
  virtual void single(std::string& out, std::uint32_t sensor, int hundredths, std::int64_t time_ms) const = 0;
  /// Readings that the answer to a write of `sent` readings acknowledges.
  virtual std::uint64_t acknowledged(const answer& got, std::uint64_t sent) const = 0;

  /// Mean, min, max, count and standard deviation of [from, to).
  virtual void five_aggregates(std::string& out, std::uint32_t sensor, std::int64_t from_ms, std::int64_t to_ms) const = 0;
  virtual std::uint64_t aggregated_count(const answer& got) const = 0;
  /// The request that gives the mean of each sensor in [from, to).
  virtual std::string means(std::int64_t from_ms, std::int64_t to_ms) const = 0;
  /// How many sensors' means the answer to it holds.
  virtual std::uint64_t mean_count(const answer& got) const = 0;

  /// Returns when every acknowledged reading is processed.
  virtual void settle() = 0;
  /// Like kill -9, where possible. The server must not be used afterwards.
  virtual void kill() { throw std::runtime_error(name() + " is not killed here"); }
  /// The number of stored readings of these sensors.
  virtual std::uint64_t stored(const std::vector<std::uint32_t>& sensors) = 0;
};

struct factory_options {
  std::string program;                        ///< path of factoryd
  std::optional<std::uint16_t> running_port;  ///< use the server that runs there
  std::vector<std::string> extra;             ///< further options for it
  std::filesystem::path directory;            ///< its data directory, which is kept; empty: a temporary one
  std::size_t sensors_a_machine = 0;          ///< 0: all sensors are of one machine
};
/// A metric without labels of the factoryd at this port; nullopt when it has none of that name.
std::optional<double> factory_metric(std::uint16_t port, std::string_view name);
std::unique_ptr<server> make_factory_server(const factory_options& options);
/// `storing`: one shard for all times, compacted as soon as writes end, so that it takes as few bytes as it can.
enum class influxdb_use : std::uint8_t { under_load, storing };
/// InfluxDB 1.x as Debian packages it, on a directory and ports of its own.
std::unique_ptr<server> make_influxdb_server(influxdb_use what_for = influxdb_use::under_load);

}  // namespace factory::bench
