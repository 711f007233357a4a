#pragma once

#include <string>

#include "actors/jobs/daily_report.hpp"

namespace factory {

/// One object with totals and an array of sensors.
std::string report_json(const daily_report& report);
/// One page that needs nothing else; names are escaped.
std::string report_html(const daily_report& report);
/// Both: what engine_config::jobs asks for.
report_texts write_report(const daily_report& report);

}  // namespace factory
