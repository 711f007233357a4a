#include "http/text/event_json.hpp"

namespace factory {
namespace {

struct member_writer {
  json_writer& out;
  template <class T>
  void operator()(std::string_view name, const T& v) {
    out.member(name, v);
  }
  void operator()(std::string_view name, const std::string& v) { out.member(name, std::string_view(v)); }
  void operator()(std::string_view name, event_kind v) { out.member(name, to_text(v)); }
  template <class T>
  void operator()(std::string_view name, const std::vector<T>& list) {
    out.key(name).begin_array();
    for (const T& each : list) {
      out.begin_object();
      T::members(each, *this);
      out.end_object();
    }
    out.end_array();
  }
  void time(std::string_view name, std::int64_t time_us) { out.time_member(name, time_us); }
};

void write_rule(json_writer& out, const event_key& key) {
  out.member("source", to_text(key.source));
  out.member("rule_id", key.source == event_source::alert_rule ? std::optional(key.rule) : std::nullopt);
}

}  // namespace

void write_members(json_writer& out, const event_detail& detail) {
  std::visit([to = member_writer{out}]<class Detail>(const Detail& it) mutable { Detail::members(it, to); }, detail);
}

void write_event(json_writer& out, const event& e) {
  out.begin_object().member("id", finding_id(e.key)).member("sequence", e.sequence).member("kind", to_text(e.key.kind));
  out.member("revision", e.key.revision).member("sensor_id", e.key.sensor);
  write_rule(out, e.key);
  out.member("severity", to_text(e.level)).time_member("timestamp", e.at_us).member("value", e.value);
  write_members(out, e.detail);
  if (!e.who.empty()) out.member("by", e.who);
  if (!e.explanation.empty()) out.member("explanation", e.explanation);
  out.time_member("recorded_at", e.recorded_at_us).end_object();
}

void write_alert(json_writer& out, const finding& alert) {
  const event& raised = *alert.stated;
  out.begin_object().member("id", finding_id(raised.key)).member("sensor_id", raised.key.sensor);
  write_rule(out, raised.key);
  out.member("severity", to_text(alert.worst().level)).member("value", raised.value).member("limit", raised.limit());
  out.member("active", alert.open()).member("acknowledged", alert.acknowledged.has_value());
  out.time_member("raised_at", raised.at_us).key("cleared_at");
  alert.ended ? out.time(alert.ended->at_us) : out.value(nullptr);
  out.key("acknowledged_at");
  alert.acknowledged ? out.time(alert.acknowledged->recorded_at_us) : out.value(nullptr);
  out.member("acknowledged_by", alert.acknowledged ? std::optional(std::string_view(alert.acknowledged->who)) : std::nullopt);
  out.key("peak").begin_object().member("value", alert.worst().value).time_member("timestamp", alert.worst().at_us).end_object();
  if (!raised.explanation.empty()) out.member("explanation", raised.explanation);
  out.end_object();
}

}  // namespace factory
