#pragma once

#include <simdjson.h>

#include <string>

#include "http/text/json_writer.hpp"
#include "pipelines/alarm/weekly_schedule.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// {"zone":"Europe/Berlin","times":[{"days":["mon","tue"],"from":"06:00","to":"22:00"}]}, or null: always. A name of a zone is looked up
/// among those of this machine. `invalid`, naming the member, for what cannot be.
expected<weekly_schedule> read_schedule(const std::string& path, simdjson::dom::element value);
void write_schedule(json_writer& out, const weekly_schedule& schedule);

}  // namespace factory
