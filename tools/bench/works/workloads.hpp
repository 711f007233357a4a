#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/server.hpp"

namespace factory::bench {

/// The figures of one stretch of a long load.
struct stretch {
  struct part {
    std::string name;
    std::uint64_t requests = 0, refused = 0;
    double p99_us = 0;  ///< of requests that were not refused
  };
  double until_seconds = 0;                     ///< since the load began
  std::uint64_t rss_bytes = 0, open_files = 0;  ///< of the server, at its end
  std::vector<part> parts;
};

struct workload_options {
  double seconds = 5;  ///< of load per run
  std::size_t sensors = 1'000;
  std::uint64_t ticks_per_body = 10;  ///< readings of each sensor in a bulk body
  std::int64_t tick_ms = 100;         ///< event time between two of them
  std::size_t bulk_connections = 4;
  std::size_t single_connections = 128;
  std::size_t query_connections = 16;
  std::size_t overload_connections = 512;
  std::uint64_t history = 5'000;                        ///< readings per sensor that are there before queries are asked
  std::uint64_t range = 1'000;                          ///< readings per sensor that a query covers
  std::function<void(const stretch&)> on_stretch = {};  ///< called at the end of each stretch of a long load
};

/// The figures of one run of one workload against one server. Server figures cover the load alone, not the set-up.
struct figures {
  std::string work, server, unit;
  bool less_is_better = false;
  double result = 0;  ///< in `unit`
  std::uint64_t requests = 0, readings = 0, refused = 0;
  double seconds = 0;         ///< of load
  double settle_seconds = 0;  ///< from the last answer until all of it was processed
  double p50_us = 0, p99_us = 0, max_us = 0;
  double client_cpu_seconds = 0;
  usage used;                              ///< CPU and fsyncs of the load; memory and disk as they stand at its end
  std::optional<double> bytes_per_sensor;  ///< memory that a sensor with one reading takes; cardinality only
  std::vector<stretch> stretches;          ///< overload and soak only
  std::string failure;                     ///< the failed check of a run that has figures; empty: passed
  std::string note;                        ///< a remark for the reader of the line; may be empty
};

/// "bulk-rows" "bulk-columns" "bulk-ndjson" "single" "query" "mean" "cardinality-N" "size-N" "pipelines-N" "visible" "told" "overload" "soak".
/// Each checks every answer, and that the server has stored exactly what it acknowledged. A run that ends without
/// passing has its figures and a `failure`; an error that ends a run early is thrown as std::runtime_error.
figures run_workload(const std::string& name, server& target, const workload_options& options);

}  // namespace factory::bench
