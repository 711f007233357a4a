#include "http/text/event_json.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>

#include "pipelines/alarm/anomaly_note.hpp"
#include "pipelines/correct/historical.hpp"
#include "pipelines/spec/pipeline_id.hpp"

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
  void time_or_none(std::string_view name, std::int64_t time_us) {
    time_us != 0 ? out.time_member(name, time_us) : out.member(name, nullptr);
  }
};

/// An episode of one reading.
episode_detail episode_of(const event& stated, const z_score_detail& score) {
  episode_detail it;
  it.what = "spike";
  it.begin_us = it.end_us = it.peak_us = stated.at_us;
  it.expected = score.mean;
  it.low = score.mean - score.threshold * score.std_dev;
  it.high = score.mean + score.threshold * score.std_dev;
  it.score = score.threshold > 0 ? std::abs(score.z_score) / score.threshold : 1;
  it.count = 1;
  return it;
}

episode_detail episode_of(const finding& anomaly) {
  const event& now = anomaly.newest();
  if (const auto* const episode = std::get_if<episode_detail>(&now.detail)) return *episode;
  const auto* const score = std::get_if<z_score_detail>(&now.detail);
  return episode_of(*anomaly.stated, score != nullptr ? *score : z_score_detail{});
}

void write_feedback(json_writer& out, const std::optional<event>& given) {
  const auto* const said = given ? std::get_if<feedback_detail>(&given->detail) : nullptr;
  out.key("feedback");
  if (said == nullptr) {
    out.value(nullptr);
    return;
  }
  out.begin_object().member("verdict", said->verdict).member("comment", said->comment).member("by", given->who);
  out.time_member("at", given->at_us).end_object();
}

void write_shelf(json_writer& out, std::string_view name, const std::optional<shelf>& on) {
  out.key(name);
  on ? write_shelf(out, *on) : static_cast<void>(out.value(nullptr));
}

void write_rule(json_writer& out, const event_key& key) {
  out.member("source", to_text(key.source));
  out.member("rule_id", key.source == event_source::alert_rule ? std::optional(key.rule) : std::nullopt);
  if (is_of_machine(key.source)) out.member("machine_id", key.rule);
  if (key.source != event_source::pipeline) return;
  out.member("pipeline_id", pipeline_of(key.rule)).member("sink", sink_of(key.rule));
}

}  // namespace

void write_shelf(json_writer& out, const shelf& on) {
  out.begin_object().time_member("since", on.since_us).key("until");
  on.until_us == INT64_MAX ? out.value(nullptr) : out.time(on.until_us);
  out.member("once", on.once).member("by", on.who).member("reason", on.comment).end_object();
}

void write_members(json_writer& out, const event_detail& detail) {
  std::visit([to = member_writer{out}]<class Detail>(const Detail& it) mutable { Detail::members(it, to); }, detail);
}

void write_event(json_writer& out, const event& e) {
  out.begin_object().member("id", finding_id(e.key)).member("sequence", e.sequence).member("kind", to_text(e.key.kind));
  out.member("revision", e.key.revision).member("sensor_id", e.key.sensor);
  write_rule(out, e.key);
  out.member("severity", to_text(e.level)).time_member("timestamp", e.at_us).member("value", e.value);
  write_members(out, e.detail);
  if (is_historical(e.key)) out.member("historical", true);
  if (!e.who.empty()) out.member("by", e.who);
  if (!e.explanation.empty()) out.member("explanation", e.explanation);
  out.time_member("recorded_at", e.recorded_at_us).end_object();
}

namespace {

/// Of a detector that says figures alone; empty for others.
std::string sentence_of(const event& stated) {
  const auto* const score = std::get_if<z_score_detail>(&stated.detail);
  if (score == nullptr) return {};
  return fmt::format(
      "{:.6g} lies {:.3g} standard deviations {} the mean {:.6g} of the readings before it; {:.3g} would have passed",
      stated.value, std::abs(score->z_score), score->z_score < 0 ? "below" : "above", score->mean, score->threshold);
}

}  // namespace

void write_anomaly(json_writer& out, const finding& anomaly) {
  const event& stated = *anomaly.stated;
  const event& now = anomaly.newest();
  const episode_detail episode = episode_of(anomaly);
  const bool of_machine = group_of(stated.key.source) == source_group::machine_detector;
  out.begin_object().member("id", finding_id(stated.key));
  out.member("sensor_id", of_machine ? std::nullopt : std::optional(stated.key.sensor));
  out.member("machine_id", of_machine ? std::optional(stated.key.rule) : std::nullopt);
  out.member("detector", to_text(stated.key.source))
      .member("kind", episode.what.empty() ? to_text(stated.key.source) : std::string_view(episode.what));
  out.member("severity", to_text(now.level)).member("score", episode.score).member("open", anomaly.open());
  out.time_member("begin", episode.begin_us).time_member("end", episode.end_us).key("peak").begin_object();
  out.time_member("timestamp", episode.peak_us).member("value", now.value).member("expected", episode.expected);
  out.member("low", episode.low).member("high", episode.high).end_object().member("count", episode.count);
  if (!episode.contributions.empty()) member_writer{out}("contributions", episode.contributions);
  const auto sentence = now.explanation.empty() ? sentence_of(stated) : now.explanation;
  out.member("explanation", sentence.empty() ? std::nullopt : std::optional(std::string_view(sentence)));
  write_feedback(out, anomaly.feedback);
  out.end_object();
}

void write_alert(json_writer& out, const finding& alert, const alert_place& at) {
  const event& raised = *alert.stated;
  out.begin_object().member("id", finding_id(raised.key)).member("sensor_id", raised.key.sensor);
  write_rule(out, raised.key);
  out.member("state", to_text(state_of(alert)));
  out.member("severity", to_text(level_of(alert))).member("priority", at.priority);
  const auto* const step = alert.newest_of(event_kind::alert_stepped);
  const event& placed = step != nullptr ? *step : raised;
  const auto* const said = placed.alarm();
  out.member("step", said == nullptr || said->step.empty() ? std::nullopt : std::optional(std::string_view(said->step)));
  out.member("value", raised.value).member("limit", placed.limit());
  out.member("active", alert.open()).member("acknowledged", alert.acknowledged.has_value());
  out.time_member("raised_at", raised.at_us).key("cleared_at");
  alert.ended ? out.time(alert.ended->at_us) : out.value(nullptr);
  out.key("acknowledged_at");
  alert.acknowledged ? out.time(alert.acknowledged->recorded_at_us) : out.value(nullptr);
  out.member("acknowledged_by", alert.acknowledged ? std::optional(std::string_view(alert.acknowledged->who)) : std::nullopt);
  const auto* const comment = alert.acknowledged ? alert.acknowledged->alarm() : nullptr;
  out.member("comment",
             comment == nullptr || comment->comment.empty() ? std::nullopt : std::optional(std::string_view(comment->comment)));
  write_shelf(out, "shelf", at.shelved);
  write_shelf(out, "out_of_service", at.out_of_service);
  const auto text_or_none = [](const std::optional<std::string>& text) {
    return text ? std::optional(std::string_view(*text)) : std::nullopt;
  };
  out.member("group", text_or_none(at.group)).member("first_out", text_or_none(at.first_out));
  const auto peak = peak_of(alert);
  out.key("peak").begin_object().member("value", peak.value).time_member("timestamp", peak.at_us).end_object();
  out.member("anomaly_id", anomaly_named_in(raised.explanation));
  if (!raised.explanation.empty()) out.member("explanation", raised.explanation);
  out.end_object();
}

}  // namespace factory
