#include "pipelines/detect/detector_set.hpp"

#include <algorithm>
#include <cmath>

#include "pipelines/detect/calm_rows.hpp"
#include "pipelines/detect/state_fields.hpp"

namespace factory {
namespace {

constexpr std::uint8_t encoding_version = 2;  // 1: patterns were kept in other units, without how often they were said
constexpr double most_score = 1e6;
constexpr std::int64_t drift_learned_after_us = 86'400'000'000;  ///< a drift that stays is the new normal after a day
constexpr double breaks_through = 3;                             ///< times what opened the episode
constexpr double below_boundary = 0.99;

/// Whether the settings let it be said; the score with their sensitivity.
bool lets_through(const detector_setting& how, verdict& one, double value) {
  const double off = value - one.expected;
  if (!how.on || (how.direction == deviation_direction::up && off < 0) || (how.direction == deviation_direction::down && off > 0))
    return false;
  if (std::abs(off) < how.least_absolute || std::abs(off) < how.least_relative * std::abs(one.expected)) return false;
  one.score = std::min(one.score, most_score);
  return one.score >= 1;
}

void say(const detect_settings& settings, verdict one, double value, verdict_list& said) {
  if (lets_through(settings.of(one.by), one, value)) said.add(one);
}

void say_pattern(const detect_settings& settings, const pattern_detector::finding& found, std::int64_t time_us, double value,
                 verdict_list& said) {
  if (found.score >= 1)
    say(settings, {detector::pattern, found.score, found.expected, found.low, found.high, time_us, 0}, value, said);
}

/// For what is no matter of being far off.
void say_state(const detect_settings& settings, verdict one, verdict_list& said) {
  one.score = std::min(one.score, most_score);
  if (settings.of(one.by).on && one.score >= 1) said.add(one);
}

}  // namespace

void detector_set::begin_anew(double value) {
  jump_.begin_anew(value);
  pattern_.begin_anew();
}

std::int64_t detector_set::pause_limit_us(const detect_settings& settings) const {
  return silence_.limit_us(settings.least_pause_us, settings.of(detector::silent).sensitivity);
}

std::int64_t detector_set::quiet_until_us(const detect_settings& settings) const {
  if (!silence_.warm() || !settings.of(detector::silent).on || episodes_.is_open(detector::silent)) return INT64_MAX;
  return silence_.last_us() + pause_limit_us(settings);
}

verdict detector_set::silence_of(std::int64_t pause_us, const detect_settings& settings) const {
  const double score = static_cast<double>(pause_us) / static_cast<double>(pause_limit_us(settings));
  return {detector::silent, std::min(score, most_score), 0, 0, 0, silence_.last_us(), static_cast<double>(pause_us) / 1e6};
}

void detector_set::tick(std::int64_t now_us, const detect_settings& settings, std::vector<episode_change>& out) {
  const auto due_us = quiet_until_us(settings);
  if (now_us < due_us) return;
  episodes_.note(due_us, newest_value_, silence_of(due_us - silence_.last_us(), settings), out);
}

/// Silence that is over.
void detector_set::end_silence(std::int64_t time_us, std::int64_t limit_us, const detect_settings& settings,
                               std::vector<episode_change>& out) {
  if (!silence_.warm() || time_us - silence_.last_us() <= limit_us) [[likely]]
    return;
  tick(time_us, settings, out);  // where no tick came
  if (!episodes_.is_open(detector::silent)) return;
  episodes_.note(time_us, newest_value_, silence_of(time_us - silence_.last_us(), settings), out);
  episodes_.close(detector::silent, time_us, episode::ending::passed, out);
}

void detector_set::judge_silence(std::int64_t time_us, double value, const detect_settings& settings,
                                 std::vector<episode_change>& out) {
  const auto limit_us = pause_limit_us(settings);
  end_silence(time_us, limit_us, settings, out);
  if (silence_.observe(time_us, limit_us) > 0) begin_anew(value);
}

void detector_set::hear(std::int64_t time_us, const detect_settings& settings, std::vector<episode_change>& out) {
  end_silence(time_us, pause_limit_us(settings), settings, out);
  silence_.hear(time_us);
}

/// True when the reading says nothing about the course: it is stuck or cannot be.
bool detector_set::judge_health(std::int64_t time_us, double value, const detect_settings& settings, verdict_list& said) {
  const double low = settings.physical_min.value_or(-INFINITY), high = settings.physical_max.value_or(INFINITY);
  const bool outside = value < low || value > high;
  if (outside) {
    const double bound = value < low ? low : high;
    const double span = std::isfinite(high - low) && high > low ? high - low : std::max(std::abs(bound), 1e-300);
    say_state(settings,
              {detector::out_of_range, 1 + std::min(9.0, 10 * std::abs(value - bound) / span), bound, low, high, time_us, 0},
              said);
  }
  const auto stuck = stuck_.observe(time_us, value);
  const double score = stuck.score * settings.of(detector::stuck).sensitivity;
  if (score >= 1)
    say_state(settings, {detector::stuck, score, value, value, value, stuck.since_us, static_cast<double>(stuck.run)}, said);
  return outside || score >= 1;
}

bool detector_set::judge_jump(std::int64_t time_us, double value, const detect_settings& settings, verdict_list& said,
                              std::vector<episode_change>& out, double& step) {
  const auto& band = baseline_.usual_now();
  const double margin = 2 * baseline_.scatter();
  const auto usual = [&](double at) { return at >= band.low - margin && at <= band.high + margin; };
  const bool usual_here = jump_.away() && band.known && usual(value) && !usual(jump_.reference());
  const auto found = jump_.observe(value, usual_here, settings.of(detector::spike).sensitivity);
  step = found.step;
  using enum jump_detector::state;
  if (found.now == calm) return false;
  if (found.now == learned) {
    // What the level was before the jump is known to be usual only where this time of day was seen before. It may as well have been the end of a
    // drift that nobody knew for one: then the old profile is right, and a shifted one would be wrong every day.
    band.known ? baseline_.shift(value - found.expected) : baseline_.forget_profile();
    if (const auto* open = episodes_.anomaly()) episodes_.close(open->by, time_us, episode::ending::learned, out);
    return true;
  }
  if (found.now == returned) return true;
  const auto by = found.now == spike ? detector::spike : detector::level_shift;
  say(settings, {by, found.score, found.expected, found.expected - found.limit, found.expected + found.limit, time_us, 0}, value,
      said);
  return true;
}

bool detector_set::judge_drift(std::int64_t time_us, double value, const detect_settings& settings, verdict_list& said) {
  const auto found = drift_.observe(time_us, value, baseline_.usual_now(), baseline_.scatter());
  const double score = found.score * settings.of(detector::drift).sensitivity;
  if (score < 1) {
    flagged_since_us_ = INT64_MIN;
    return false;
  }
  if (flagged_since_us_ == INT64_MIN) flagged_since_us_ = time_us;
  const auto& band = baseline_.usual_now();
  say(settings,
      {detector::drift, score, (band.low + band.high) / 2, band.low - found.limit, band.high + found.limit, found.since_us, 0},
      drift_.short_level(), said);
  return time_us - flagged_since_us_ < drift_learned_after_us;
}

void detector_set::judge_spread(std::int64_t time_us, double step, const detect_settings& settings, verdict_list& said) {
  const auto found = spread_.observe(step);
  const double more = found.more * settings.of(detector::spread).sensitivity;
  // A run of one value is the business of stuck.
  const double less = stuck_.run() < stuck_detector::rests_after ? found.less * settings.of(detector::noise_lost).sensitivity : 0;
  if (more < 1 && less < 1) return;
  const double level = baseline_.level(), spread = 3 * baseline_.spread();
  if (more >= 1)
    say_state(settings, {detector::spread, more, level, level - spread, level + spread, time_us, found.times_usual}, said);
  if (less >= 1)
    say_state(settings, {detector::noise_lost, less, level, level - spread, level + spread, time_us, found.times_usual}, said);
}

void detector_set::judge_course(std::int64_t time_us, double value, const detect_settings& settings, verdict_list& said,
                                std::vector<episode_change>& out) {
  double step = 0;
  bool flagged = judge_jump(time_us, value, settings, said, out, step);
  if (!flagged) flagged = judge_drift(time_us, value, settings, said);
  judge_spread(time_us, step, settings, said);
  say_pattern(
      settings,
      pattern_.observe(time_us, value, silence_.usual_us(), settings.of(detector::pattern).sensitivity, *settings.pattern),
      time_us, value, said);
  if (flagged)
    baseline_.spoil();
  else
    baseline_.learn(value);
}

double detector_set::news(const verdict_list& said) const {
  double strongest = 0, pattern = 0;
  for (const verdict& one : said) {
    if (entry_of(one.by).kind == finding_kind::anomaly) strongest = std::max(strongest, one.score);
    if (one.by == detector::pattern) pattern = one.score;  // holds its tongue by itself
  }
  if (strongest < 1) return 0;
  const episode* open = episodes_.anomaly();
  if (open == nullptr || strongest >= breaks_through * open->score) return strongest;
  return pattern >= 1 ? pattern : std::min(strongest, below_boundary);
}

void detector_set::observe(std::int64_t time_us, double given, const detect_settings& settings,
                           std::vector<episode_change>& out) {
  const double value = as_judged(given);
  judge_silence(time_us, value, settings, out);
  baseline_.advance(time_us);
  verdict_list said;
  const bool flat = judge_health(time_us, value, settings, said);
  if (flat) {
    baseline_.spoil();
  } else {
    if (was_flat_) begin_anew(value);
    judge_course(time_us, value, settings, said, out);
  }
  was_flat_ = flat;
  newest_score_ = news(said);
  newest_us_ = time_us;
  newest_value_ = given;
  episodes_.take(time_us, given, said, out);
}

/// Rows at the front that nothing is said of, but for what pattern may say of the last one; returns how many, at most calm_rows::most.
std::size_t detector_set::observe_calm(std::span<const std::int64_t> times_us, std::span<const double> values,
                                       const detect_settings& settings, std::vector<episode_change>& out) {
  if (times_us.size() < 2) return 0;  // by itself it costs less
  if (was_flat_ || jump_.away() || flagged_since_us_ != INT64_MIN || episodes_.open_count() > 0) return 0;
  std::size_t rows = std::min(times_us.size(), calm_rows::most);
  while (rows > 0 && !baseline_.is_same_slot(times_us[rows - 1])) --rows;
  calm_rows tried(times_us.first(rows), values.first(rows), settings);
  const auto usual = baseline_.usual_now();
  for (std::size_t wanted = rows; wanted > 0;) {
    auto group = pattern_.together();
    auto silence = silence_;
    auto stuck = stuck_;
    auto jump = jump_;
    auto spread = spread_;
    auto drift = drift_;
    auto course = baseline_.known();
    bool is_over = false;
    const auto asked = tried.pass(silence, group, is_over, wanted);
    rows = tried.pass(stuck, asked);
    rows = tried.pass(jump, rows);
    rows = tried.pass(spread, rows);
    rows = tried.pass(drift, course, usual, rows);
    if (rows < asked || (asked < wanted && !is_over)) {
      wanted = rows;
      continue;
    }
    silence_ = silence;
    stuck_ = stuck;
    jump_ = jump;
    spread_ = spread;
    drift_ = drift;
    baseline_.take(course);
    newest_us_ = times_us[rows - 1];
    newest_value_ = values[rows - 1];
    verdict_list said;
    say_pattern(settings,
                pattern_.take(group, is_over, newest_us_, settings.of(detector::pattern).sensitivity, *settings.pattern),
                newest_us_, as_judged(newest_value_), said);
    newest_score_ = news(said);
    episodes_.take(newest_us_, newest_value_, said, out);
    return rows;
  }
  return 0;
}

std::size_t detector_set::observe_rows(std::span<const std::int64_t> times_us, std::span<const double> values,
                                       const detect_settings& settings, std::vector<episode_change>& out) {
  const auto before = out.size();
  std::size_t row = 0;
  for (std::size_t one_by_one = 1; row < times_us.size() && out.size() == before; one_by_one *= 2) {
    const auto calm = observe_calm(times_us.subspan(row), values.subspan(row), settings, out);
    row += calm;
    if (calm > 0) one_by_one = 1;
    for (auto left = calm > 0 ? 0 : one_by_one; left > 0 && row < times_us.size() && out.size() == before; --left, ++row)
      observe(times_us[row], values[row], settings, out);
  }
  return row;
}

detector_set::expectation detector_set::expected() const {
  expectation out;
  const auto& band = baseline_.usual_now();
  out.by_time_of_day = band.known;
  out.level = baseline_.level();
  out.spread = baseline_.spread();
  const double margin = band.known ? 2 * baseline_.scatter() : 4 * baseline_.spread();
  out.low = (band.known ? band.low : out.level) - margin;
  out.high = (band.known ? band.high : out.level) + margin;
  out.readings = baseline_.count();
  out.days = baseline_.visits();
  out.usual_step = spread_.usual_step();
  out.usual_interval_us = silence_.usual_us();
  out.longest_run = stuck_.longest();
  out.since_us = baseline_.since_us();
  return out;
}

bool detector_set::warm(detector by) const {
  switch (by) {
    case detector::spike:
    case detector::level_shift: return jump_.warm();
    case detector::drift: return baseline_.usual_now().known;
    case detector::spread:
    case detector::noise_lost: return spread_.warm();
    case detector::pattern: return pattern_.warm();
    case detector::out_of_range: return true;
    case detector::stuck: return stuck_.limit() != UINT32_MAX;
    case detector::silent: return silence_.warm();
    case detector::machine: return false;
  }
  return false;
}

std::size_t detector_set::memory_bytes() const {
  return sizeof *this - sizeof baseline_ - sizeof pattern_ + baseline_.memory_bytes() + pattern_.memory_bytes() +
         episodes_.memory_bytes();
}

void detector_set::encode(std::string& out) const {
  put_byte(out, encoding_version);
  state::writer write{out};
  fields(*this, write);
  pattern_detector::fields_since_2(pattern_, write);
}

bool detector_set::decode(std::string_view& in) {
  std::uint8_t version = 0;
  if (!get_byte(in, version) || version == 0 || version > encoding_version) return false;
  detector_set read;
  state::reader reader{in};
  fields(read, reader);
  if (version > 1) pattern_detector::fields_since_2(read.pattern_, reader);
  if (!reader.ok || !read.pattern_.sound()) return false;
  if (version == 1) read.pattern_ = {};
  *this = std::move(read);
  return true;
}

}  // namespace factory
