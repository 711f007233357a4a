#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/intake/sensor_book.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/model/time.hpp"

namespace factory::replay {

enum class file_format : std::uint8_t { guess, csv_long, csv_wide, ndjson, line_protocol };

/// The command line as typed.
struct command_line {
  std::vector<std::string> files;
  std::string url = "http://127.0.0.1:8080", token, data_dir;
  std::string format, bad_cells;
  std::vector<std::string> map, ignore;
  std::string auto_register;
  std::string start, interval, from, to;
  std::string speed = "max";
  std::size_t batch = 0;
  std::string scores;  ///< where a backtest writes
  bool backtest = false, machine = false;
  bool digest = false, json = false;  ///< what a backtest of a data directory prints instead of a table
  std::string html;                   ///< where its page goes
  std::string drafts;                 ///< what a backtest of a data directory tries: a file
  std::string labels;                 ///< the column that says which rows are faulty
  bool resume = false, allow_overwrite = false;
};

/// The command line understood.
struct options {
  std::vector<std::string> files;    ///< "-": standard input
  std::string url, token, data_dir;  ///< data_dir empty: over HTTP
  file_format format = file_format::guess;
  std::string time_column, value_column, sensor_column;  ///< empty: guessed
  std::string quality_column;                            ///< good, uncertain or bad; empty: the one of that name, if any
  std::string clock_column;                              ///< the time of day, where time_column is the date
  std::vector<std::string> ignored;                      ///< columns, tags, fields and members that are passed over
  std::optional<sensor_id> sensor;                       ///< whose readings a long file without sensor column holds
  std::optional<registration> auto_register;
  std::optional<std::int64_t> start_us;
  std::int64_t interval_us = 0;
  std::int64_t from_us = min_event_time_us, to_us = max_event_time_us;  ///< readings of [from, to) are sent
  double speed = 0;                                                     ///< event seconds a second; 0 = as fast as can be
  std::size_t batch = 0;                                                ///< readings a request
  bool resume = false;
  bool skip_bad_cells = false;   ///< cells that are no numbers are counted, and do not end the run
  std::string drafts;            ///< a file with what a backtest tries; empty: nothing
  std::string labels;            ///< the column that tells a backtest of a machine which rows are faulty; empty: none
  bool allow_overwrite = false;  ///< of two readings of a file at one time of a sensor the later one wins

  bool ignores(std::string_view name) const;
  /// What a resumed run must share with the one that was interrupted.
  std::string digest() const;
};

expected<options> understand(const command_line& typed);
/// The format that a file's name tells, compression suffixes left aside; `guess` when it tells none.
file_format format_of_name(std::string_view path);

}  // namespace factory::replay
