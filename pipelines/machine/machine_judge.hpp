#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/judge/event_judge.hpp"
#include "pipelines/machine/machine_detector.hpp"
#include "pipelines/model/recent_rows.hpp"

namespace factory {

/// The sensors of a machine, aligned: event time is cut into cells, and in each a sensor has its newest reading. A cell is a row of the
/// detector; a sensor without a reading in it has the one before, for three of its usual intervals, `carried_us` at most. A cell without readings is no
/// row.
struct machine_cell {
  static constexpr std::int64_t length_us = 10'000'000;
  static constexpr std::int64_t carried_us = 600'000'000;
  /// Beyond it there are no cells.
  static constexpr std::int64_t most_us = INT64_MAX / 128;

  static std::int64_t of(std::int64_t time_us) { return (time_us - (time_us < 0 ? length_us - 1 : 0)) / length_us; }
  static std::int64_t begin_us(std::int64_t cell) { return cell * length_us; }
  /// Where the reading of a sensor stands among those of all sensors and cells. The place of the sensor behind the last ends the cell.
  static std::int64_t place(std::int64_t cell, std::size_t sensor, std::size_t sensors) {
    return cell * static_cast<std::int64_t>(sensors + 1) + static_cast<std::int64_t>(sensor);
  }
  static std::int64_t of_place(std::int64_t place, std::size_t sensors) {
    const auto width = static_cast<std::int64_t>(sensors + 1);
    return place / width - (place % width < 0 ? 1 : 0);
  }
};

/// What one sensor has to do with a state of its machine.
struct culprit {
  contribution is;
  double value = 0;     ///< when the score was highest
  double expected = 0;  ///< its mean while the machine ran calmly
};

/// The machine detector as a judge (pipelines/judge/revisable.hpp) over rows whose times are places in cells.
class machine_judge : public event_judge {
 public:
  struct command {
    double sensitivity = 1;
  };
  static constexpr std::size_t looks_back = 0;

  machine_judge(std::uint32_t machine, std::vector<sensor_id> sensors, const machine_settings& how);

  void observe(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us, std::vector<event>& out);
  void apply(const command& what, std::int64_t, std::vector<event>&) { how_.sensitivity = what.sensitivity; }

  const machine_detector& detector() const { return detector_; }
  double sensitivity() const { return how_.sensitivity; }
  /// It knows the machine and nothing is open: what it finds from here on does not begin before.
  bool can_be_marked() const { return detector_.warm() && detector_.episodes().open_count() == 0; }
  double value_of(std::size_t sensor) const { return values_[sensor]; }  ///< NaN: it has none now
  /// The finding that is open, as its events have said it.
  const std::vector<culprit>& culprits() const { return culprits_; }

  void encode(std::string& out) const;
  bool decode(std::string_view& in);
  static void put_command(std::string& out, const command& what);
  static bool get_command(std::string_view& in, command& what);

 private:
  struct setting {  ///< the same in all copies
    std::uint32_t machine;
    std::vector<sensor_id> sensors;
  };
  void end_cell(std::int64_t cell, std::int64_t received_at_us, std::vector<event>& out);
  void blame();
  event told(const episode_change& change, std::int64_t received_at_us) const;

  std::shared_ptr<const setting> of_;
  machine_settings how_;
  machine_detector detector_;
  std::vector<double> values_;       ///< of each sensor, its newest
  std::vector<std::int64_t> cells_;  ///< of these; INT64_MIN: none yet
  std::vector<double> gaps_;         ///< usual interval in cells; 0: not known yet
  std::vector<culprit> culprits_;    ///< at the peak of what is open
  double peak_score_ = 0;            ///< of what is open
};

/// One sentence: which sensors carry it, and where they are instead of where they would be.
std::string explain_machine(const std::vector<culprit>& culprits, episode::ending how);

}  // namespace factory
