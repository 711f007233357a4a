#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "http/text/json_writer.hpp"
#include "pipelines/backtest/backtest_result.hpp"
#include "pipelines/backtest/rule_preview.hpp"

namespace factory {

/// What people call a sensor: "press/bearing temperature".
using sensor_names = std::function<std::string(sensor_id)>;
/// Also of sensors that exist only in the backtest. Refers to both.
sensor_names names_in(const backtest_result& result, const sensor_names& known);
/// "rule 7 hot", "pipeline bearings apart: value > 5": what fired, for people.
std::string title_of(const backtest_line& line);

void write_json(json_writer& out, const backtest_result& result, const sensor_names& names);
/// One page that needs nothing else: what changes, a table, and for each line when it fired. Names are escaped.
std::string backtest_html(const backtest_result& result, const sensor_names& names);

/// Of one that has no result: how far it is, or why it ended. While it goes on, the page loads itself again.
std::string backtest_html(std::string_view state, double share, std::string_view failure);

void write_json(json_writer& out, const rule_preview& preview);

/// "3 older confirmed anomalies were left out: a backtest takes 5000 known faults"; empty where none was.
std::string left_out_text(const backtest_result& result);

/// 16 hexadecimal digits.
std::string digest_text(std::uint64_t digest);

}  // namespace factory
