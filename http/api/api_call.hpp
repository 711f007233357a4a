#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/ports/ports.hpp"
#include "http/api/gateways.hpp"
#include "http/edge/limits.hpp"
#include "http/edge/message.hpp"
#include "http/edge/router.hpp"
#include "http/text/json_writer.hpp"
#include "storage/admin/access.hpp"

namespace factory {

class notifier;
class query_reader;

/// Answers a call from the engine; an error becomes a problem.
using api_handler = std::function<expected<http_response>(ports&, const http_request&, const path_argument&)>;

/// Answers a call that needs no engine: it works while the engine recovers.
using plain_handler = std::function<http_response()>;

/// How a call treats a token that is limited to a factory.
enum class factory_limit : std::uint8_t {
  by_path,  ///< allowed for /api/sensors/{id}… of the factory's sensors (else 404); any other path gets 403
  handled,  ///< the handler looks at http_request::factory
};

/// One call of the REST API: its handler, the checks before it, and its description in /openapi.json.
struct api_call {
  http_method method = http_method::get;
  std::string pattern;
  std::string_view summary;  ///< one sentence
  api_handler handler;
  std::vector<std::string_view> query = {};  ///< its query parameters; others are refused
  std::string_view body_schema = {};         ///< name in openapi_components.json; empty = takes no body
  std::string_view answer_schema = {};       ///< likewise; empty = the answer is no JSON of ours
  unsigned success = 200;
  std::size_t body_bytes = 0;
  std::vector<std::string> media_types = {};       ///< of the body
  plain_handler without_engine = {};               ///< instead of `handler`
  std::vector<std::string_view> other_types = {};  ///< of the answer, beside or without JSON
  std::string_view partial_schema = {};            ///< of a 200 beside `success`
  std::string_view partial_when = "With partial=true: the good ones are stored";
  std::size_t limit_most = 0;              ///< largest `limit`; 0 = limits::page_readings, as the shared parameter says
  std::optional<access_scope> scope = {};  ///< what a token must allow; unset: read for GET, operate for changes
  factory_limit limited = factory_limit::by_path;

  access_scope needs() const { return scope.value_or(method == http_method::get ? access_scope::read : access_scope::operate); }
  /// True for changes and acknowledgements, false for ingest and queries.
  bool is_audited() const {
    return method != http_method::get && needs() != access_scope::ingest && needs() != access_scope::read;
  }
};
using api_table = std::vector<api_call>;

// The parts of the table, each beside its handlers.
void add_catalog_calls(api_table& table);    ///< factories, machines, sensors, rules
void add_ingest_calls(api_table& table);     ///< POST of readings
void add_reading_calls(api_table& table);    ///< pages and latest
void add_stats_calls(api_table& table);      ///< statistics of ranges
void add_aggregate_call(api_table& table);   ///< down-sampled series
void add_live_calls(api_table& table);       ///< newest readings against the thresholds; live state
void add_health_calls(api_table& table);     ///< baselines; health of sensors, machines, factories
void add_detection_calls(api_table& table);  ///< settings of detection, and where they come from
void add_anomaly_calls(api_table& table, const anomaly_side& anomalies);
void add_event_calls(api_table& table);  ///< events of the live side
void add_alert_calls(api_table& table);  ///< alerts, and what operators do with them:
void add_operator_calls(api_table& table);
void add_finding_calls(api_table& table);                   ///< anomalies as episodes, feedback
void add_job_calls(api_table& table);                       ///< background jobs and reports
void add_admin_calls(api_table& table);                     ///< snapshots
void add_token_calls(api_table& table);                     ///< tokens and the audit log
void add_channel_calls(api_table& table, notifier& tells);  ///< test of a channel, its dead letters
void add_pipeline_calls(api_table& table);                  ///< pipelines
void add_performance_call(api_table& table);
void add_backtest_calls(api_table& table);    ///< backtests, previews of rules
void add_annotation_calls(api_table& table);  ///< notes of spans of time
void add_spc_calls(api_table& table);         ///< control charts
void add_correction_calls(api_table& table);  ///< corrections of readings of the past

inline const std::vector<std::string> json_only{"application/json"};

inline http_response json_response(const json_writer& out, unsigned status = 200) {
  return {status, "application/json", out.text()};
}
inline tl::unexpected<error> fail_with(const error& why) { return tl::unexpected<error>(why); }

/// not_found "Sensor not found" unless it exists.
expected<void> require_sensor(const query_port& behind, sensor_id id);
/// Sensors with all of the labels, of one machine or of all, ascending by id.
std::vector<sensor_entry> sensors_with(const query_port& behind, const label_set& labels, std::optional<machine_id> of = {});
/// `from` and `to` of a query, half-open; unbounded where absent. The reader has a fault when they are reversed.
time_range read_range(query_reader& query);
/// `raw=true` asks for readings as they are stored, without corrections.
reading_form read_form(query_reader& query);

}  // namespace factory
