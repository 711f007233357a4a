#include "pipelines/alarm/anomaly_note.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

bool same_anomaly(const anomaly_note& a, const anomaly_note& b) {
  return a.begin_us == b.begin_us && a.source == b.source && a.rule == b.rule;
}
bool same_event(const anomaly_note& a, const anomaly_note& b) {
  return same_anomaly(a, b) && a.kind == b.kind && a.revision == b.revision;
}
bool happens_before(const anomaly_note& a, const anomaly_note& b) {
  return std::tie(a.at_us, a.begin_us, a.source, a.rule, a.kind, a.revision) <
         std::tie(b.at_us, b.begin_us, b.source, b.rule, b.kind, b.revision);
}

bool is_of_chart(event_source source) { return source == event_source::western_electric || source == event_source::nelson; }

std::uint32_t bit_of(const anomaly_note& it) {
  if (!is_of_chart(it.source)) return detector_bit(it.what);
  return it.source == event_source::nelson ? nelson_bit : western_electric_bit;
}

bool matches(const anomaly_filter& which, const anomaly_note& it) {
  return it.score >= which.score && it.level >= which.level && (which.detectors == 0 || (which.detectors & bit_of(it)) != 0);
}

// What an anomaly is taken for is stored as the number of the detector, or this and the number of the rule of a control chart.
constexpr std::uint8_t rule_of_chart = 64;

bool get_what(std::uint8_t stored, anomaly_note& it) {
  if (is_of_chart(it.source)) {
    it.rule = stored - rule_of_chart;
    return stored > rule_of_chart && stored < 2 * rule_of_chart;
  }
  it.what = static_cast<detector>(stored);
  return stored >= 1 && stored <= detector_count;
}

constexpr std::string_view begin_of_explanation = "anomaly ";

}  // namespace

const std::vector<anomaly_word>& anomaly_words() {
  static const std::vector<anomaly_word> all = [] {
    std::vector<anomaly_word> words;
    for (const auto& each : detectors())
      if (each.id != detector::machine) words.push_back({each.name, detector_bit(each.id)});
    words.push_back({"western_electric", western_electric_bit});
    words.push_back({"nelson", nelson_bit});
    return words;
  }();
  return all;
}

std::string detectors_text(std::uint32_t bits) {
  if (bits == 0) return "any";
  std::string out;
  for (const auto& each : anomaly_words())
    if ((bits & each.bit) != 0) out += (out.empty() ? "" : " ") + std::string(each.name);
  return out;
}

std::string explain_alert(sensor_id sensor, const anomaly_note& by) {
  const auto name = by.rule != 0 ? fmt::format("{} rule {}", to_text(by.source), by.rule) : std::string(entry_of(by.what).name);
  const event_key anomaly{sensor, by.begin_us, by.source, by.rule, {}};
  return fmt::format("{}{}: {}, score {:.3g}", begin_of_explanation, finding_id(anomaly), name, by.score);
}

std::optional<std::string_view> anomaly_named_in(std::string_view explanation) {
  if (!explanation.starts_with(begin_of_explanation)) return std::nullopt;
  explanation.remove_prefix(begin_of_explanation.size());
  return explanation.substr(0, explanation.find(':'));
}

std::optional<anomaly_note> note_of(const event& said) {
  const auto kind = said.key.kind;
  if (kind != event_kind::anomaly_opened && kind != event_kind::anomaly_updated && kind != event_kind::anomaly_closed)
    return std::nullopt;
  const auto* const episode = std::get_if<episode_detail>(&said.detail);
  if (episode == nullptr) return std::nullopt;
  anomaly_note note{said.at_us, said.key.event_time_us, said.key.source, kind, said.key.revision, {}, episode->score, said.level};
  if (is_of_chart(said.key.source)) {
    note.rule = said.key.rule;
    return note;
  }
  const auto what = parse_detector(episode->what);
  if (!what) return std::nullopt;
  note.what = *what;
  return note;
}

void add_changes(std::span<const event> found, std::vector<anomaly_change>& out) {
  for (const event& each : found)
    if (const auto note = note_of(each)) out.push_back({*note});
}

void add_changes(const std::vector<difference<event>>& found, std::vector<anomaly_change>& out) {
  for (const auto& [before, after] : found) {
    if (before)
      if (const auto note = note_of(*before)) out.push_back({*note, true});
    if (after)
      if (const auto note = note_of(*after)) out.push_back({*note});
  }
}

bool anomaly_notes::take(const anomaly_change& change) {
  const auto known = std::ranges::find_if(all_, [&](const anomaly_note& each) { return same_event(each, change.note); });
  if (known != all_.end()) {
    if (!change.gone && *known == change.note) return false;
    all_.erase(known);
  } else if (change.gone) {
    return false;
  }
  if (!change.gone) all_.insert(std::ranges::upper_bound(all_, change.note, happens_before), change.note);
  return true;
}

std::optional<std::int64_t> anomaly_notes::time_of(const anomaly_note& it) const {
  const auto known = std::ranges::find_if(all_, [&](const anomaly_note& each) { return same_event(each, it); });
  return known == all_.end() ? std::nullopt : std::optional(known->at_us);
}

bool anomaly_notes::says_at(std::int64_t time_us) const {
  const auto first = std::ranges::lower_bound(all_, time_us, {}, &anomaly_note::at_us);
  return first != all_.end() && first->at_us == time_us;
}

std::optional<anomaly_note> anomaly_notes::worst_at(std::int64_t time_us, const anomaly_filter& which) const {
  std::optional<anomaly_note> worst;
  const auto end = std::ranges::upper_bound(all_, time_us, {}, &anomaly_note::at_us);
  for (auto it = all_.begin(); it != end; ++it) {
    const auto later = std::find_if(std::next(it), end, [&](const anomaly_note& each) { return same_anomaly(each, *it); });
    if (later != end || it->kind == event_kind::anomaly_closed || !matches(which, *it)) continue;
    if (!worst || it->score > worst->score) worst = *it;
  }
  return worst;
}

void anomaly_notes::settle(std::int64_t settled_us) {
  if (all_.empty() || all_.front().at_us > settled_us) return;
  const auto is_over = [&](const anomaly_note& it) {
    if (it.at_us > settled_us) return false;
    if (it.kind == event_kind::anomaly_closed) return true;
    return std::ranges::any_of(all_, [&](const anomaly_note& each) {
      return each.at_us <= settled_us && same_anomaly(each, it) && happens_before(it, each);
    });
  };
  std::vector<anomaly_note> kept;
  std::ranges::remove_copy_if(all_, std::back_inserter(kept), is_over);
  all_ = std::move(kept);
}

void anomaly_notes::take_over(const anomaly_notes& settled, std::int64_t until_us) {
  std::erase_if(all_, [until_us](const anomaly_note& each) { return each.at_us <= until_us; });
  std::ranges::copy_if(settled.all_, std::back_inserter(all_),
                       [until_us](const anomaly_note& each) { return each.at_us <= until_us; });
  std::ranges::stable_sort(all_, happens_before);
}

void anomaly_notes::encode(std::string& out) const {
  put_varint(out, all_.size());
  for (const auto& each : all_) {
    put_zigzag(out, each.at_us);
    put_zigzag(out, each.begin_us);
    put_byte(out, static_cast<std::uint8_t>(each.source));
    put_byte(out, static_cast<std::uint8_t>(each.kind));
    put_varint(out, each.revision);
    put_byte(out, static_cast<std::uint8_t>(each.rule != 0 ? rule_of_chart + each.rule : static_cast<unsigned>(each.what)));
    put_double(out, each.score);
    put_byte(out, static_cast<std::uint8_t>(each.level));
  }
}

bool anomaly_notes::decode(std::string_view& in) {
  std::uint64_t count = 0;
  all_.clear();
  if (!get_varint(in, count) || count > in.size()) return false;
  for (; count > 0; --count) {
    auto& each = all_.emplace_back();
    std::uint8_t source = 0, kind = 0, what = 0, level = 0;
    if (!get_zigzag(in, each.at_us) || !get_zigzag(in, each.begin_us) || !get_byte(in, source) || !get_byte(in, kind) ||
        !get_varint_as(in, each.revision) || !get_byte(in, what) || !get_double(in, each.score) || !get_byte(in, level) ||
        !is_event_source(source) || !is_event_kind(kind) || !is_severity(level))
      return false;
    each.source = static_cast<event_source>(source);
    each.kind = static_cast<event_kind>(kind);
    if (!get_what(what, each)) return false;
    each.level = static_cast<severity>(level);
  }
  return std::ranges::is_sorted(all_, happens_before);
}

}  // namespace factory
