#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "actors/flow/shelf_book.hpp"
#include "actors/sensors/views.hpp"
#include "actors/streams/stream_views.hpp"
#include "pipelines/detect/z_score.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/model/sensor_set.hpp"
#include "pipelines/stats/downsample.hpp"
#include "storage/annotations/annotation_store.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/corrections/correction_store.hpp"
#include "storage/events/event_reader.hpp"
#include "storage/series/time_series.hpp"
#include "storage/spc/spc_limit_store.hpp"

namespace factory {

/// Readings as they count, with the corrections in force, or as they came and are stored; and which take part in what is computed of them.
struct reading_form {
  bool corrected = true;
  std::uint8_t without = left_out_flags;  ///< readings with one of these flags take no part
  static const reading_form effective, stored;
};
inline constexpr reading_form reading_form::effective{};
inline constexpr reading_form reading_form::stored{false, left_out_flags};

/// Statistics of a range, as the API shows them.
struct range_stats {
  sensor_id sensor = 0;
  summary values;                                      ///< count 0: nothing in the range
  std::vector<std::pair<double, double>> percentiles;  ///< (q, value), in the order asked
  bool available = true;                               ///< false: its actor has failed; `values` say nothing
};

/// Statistics that were asked for.
class pending_stats {
 public:
  explicit pending_stats(std::function<expected<range_stats>()> answer) : answer_(std::move(answer)) {}
  /// To be called once.
  expected<range_stats> wait() { return answer_(); }

 private:
  std::function<expected<range_stats>()> answer_;
};

struct analysed_reading {
  std::int64_t time_us;
  double value;
  double z_score;
  severity level;
};
struct anomaly_report {
  sensor_entry sensor;
  std::uint64_t analyzed = 0;
  mean_std_dev stats;
  std::vector<analysed_reading> anomalies;  ///< in time order
};
struct limit_finding {
  std::int64_t time_us;
  double value;
  threshold_breach breach;
};
struct alert_report {
  sensor_entry sensor;
  std::uint64_t checked = 0;
  std::vector<limit_finding> alerts;  ///< in time order
};

/// What is there: the catalog, readings, what the sensors' actors know, findings. A query is queued behind every reading acknowledged
/// before it, so a client reads its own writes; blocks are read on the caller's thread.
class query_port {
 public:
  virtual ~query_port() = default;

  virtual const catalog& entities() const = 0;
  std::shared_ptr<const sensor_set> known_sensors() const { return entities().known_sensors(); }

  /// The newest reading by event time that is not flagged `future` and takes part. not_found "Sensor not found or no readings available".
  virtual expected<reading> latest(sensor_id id, reading_form as = reading_form::effective) = 0;
  virtual expected<reading_run> readings(sensor_id id, const time_range& range, std::size_t limit, bool descending,
                                         reading_form as = reading_form::effective) = 0;
  /// The first rows of the range in that order: `about` rows, at most twice as many, fewer when the range has no more. For reading a range
  /// in steps; each step sees the sensor's state at that moment.
  virtual expected<reading_run> read_on(sensor_id id, const time_range& range, std::size_t about, bool descending,
                                        reading_form as = reading_form::effective) = 0;
  /// Ascending runs of the whole range in bounded memory.
  virtual expected<void> scan(sensor_id id, const time_range& range, const std::function<bool(const reading_run&)>& visit) = 0;
  /// The newest `limit` readings in time order that take part, without those flagged `future`: the input of the anomaly service and of the
  /// limit check.
  virtual expected<reading_run> newest(sensor_id id, std::size_t limit, reading_form as = reading_form::effective) = 0;

  /// Does not wait for the sensor, so one thread can ask many. The answer is of this instant.
  virtual expected<pending_stats> begin_stats(sensor_id id, const time_range& range, std::vector<double> percentiles,
                                              reading_form as = reading_form::effective) = 0;
  expected<range_stats> stats(sensor_id id, const time_range& range, std::vector<double> percentiles,
                              reading_form as = reading_form::effective) {
    return begin_stats(id, range, std::move(percentiles), as).and_then([](pending_stats asked) { return asked.wait(); });
  }
  /// Statistics of each sensor, in the order of `ids`. Asks many actors before it waits for the first: cheaper than a call per sensor.
  /// A sensor that was deleted meanwhile is left out; one that cannot be asked is told as not available.
  virtual expected<std::vector<range_stats>> stats(const std::vector<sensor_id>& ids, const time_range& range) = 0;
  virtual expected<std::vector<bucket>> aggregate(sensor_id id, const time_range& range, std::int64_t step_us,
                                                  reading_form as = reading_form::effective) = 0;

  virtual expected<sensor_status> status(sensor_id id) = 0;
  /// What the sensor's detectors know.
  virtual expected<detection_view> detection(sensor_id id) = 0;
  /// Likewise of each, in the order of `ids`, all asked at once; an error of one says that it cannot be asked.
  virtual std::vector<std::pair<sensor_id, expected<detection_view>>> detection(const std::vector<sensor_id>& ids) = 0;
  /// How the machine's sensors are watched together; nothing where they are too few, or the machine detector is off.
  virtual std::optional<stream_report> watch_of(machine_id machine) const = 0;
  /// How the machine's watch stood somewhere before this time; nothing: that is not known.
  virtual expected<std::optional<machine_mark>> mark_before(machine_id machine, std::int64_t time_us) const = 0;
  /// not_found "No readings available for analysis".
  virtual expected<anomaly_report> anomalies(sensor_id id, std::size_t limit, double threshold,
                                             reading_form as = reading_form::effective) = 0;
  /// invalid "No thresholds configured for this sensor"; not_found "No readings available to check".
  virtual expected<alert_report> check_limits(sensor_id id, std::size_t limit, reading_form as = reading_form::effective) = 0;

  virtual const correction_store& corrections() const = 0;
  virtual const annotation_store& annotations() const = 0;
  virtual const spc_limit_store& control_limits() const = 0;
  virtual const event_reader& events() const = 0;
  /// Limits that are shelved or out of service now.
  virtual std::vector<shelf_book::entry> shelves() const = 0;
  virtual std::optional<shelf> find_shelf(const event_key& alert, bool out_of_service) const = 0;
};

}  // namespace factory
