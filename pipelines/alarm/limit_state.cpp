#include "pipelines/alarm/limit_state.hpp"

#include <bit>
#include <utility>

#include "pipelines/model/coding.hpp"

namespace factory {

std::optional<std::int64_t> limit_state::due_us(const alarm_options& options) const {
  if (phase_ == phase::pending || phase_ == phase::relapsing) return began_us_ + options.on_delay_us;
  if (phase_ == phase::returning) return began_us_ + options.off_delay_us;
  return std::nullopt;
}

limit_state::outcome limit_state::advance(const alarm_options& options, std::int64_t time_us) {
  const auto due = due_us(options);
  if (!due || *due > time_us) return {};
  if (phase_ == phase::pending) {
    phase_ = phase::active;
    raised_us_ = *due;
    return {change::raised, *due};
  }
  if (phase_ == phase::relapsing) {
    phase_ = phase::active;
    return {change::raised_again, *due, std::exchange(raised_us_, *due)};
  }
  phase_ = options.latch ? phase::latched : phase::normal;
  return {options.latch ? change::returned : change::cleared, *due};
}

limit_state::outcome limit_state::observe(const alarm_options& options, std::int64_t time_us, standing how) {
  breaches_ = options.counts_readings() ? breaches_ << 1U | (how == standing::breach ? 1U : 0U) : 0;
  if (options.of < largest_of) breaches_ &= (std::uint64_t{1} << options.of) - 1;
  const bool breaches =
      options.counts_readings() ? static_cast<std::uint32_t>(std::popcount(breaches_)) >= options.count : how == standing::breach;
  switch (phase_) {
    case phase::normal:
      if (!breaches) return {};
      phase_ = phase::pending;
      began_us_ = time_us;
      return advance(options, time_us);
    case phase::pending:
      if (!breaches) phase_ = phase::normal;
      return advance(options, time_us);
    case phase::active:
      if (breaches || how != standing::back) return {};
      phase_ = phase::returning;
      began_us_ = time_us;
      return advance(options, time_us);
    case phase::returning:
      if (breaches || how != standing::back) phase_ = phase::active;
      return advance(options, time_us);
    case phase::latched:
      if (!breaches) return {};
      phase_ = phase::relapsing;
      began_us_ = time_us;
      return advance(options, time_us);
    case phase::relapsing:
      if (!breaches) phase_ = phase::latched;
      return advance(options, time_us);
  }
  return {};
}

limit_state::outcome limit_state::end(std::int64_t time_us) {
  const bool was_raised = is_raised();
  phase_ = phase::normal;
  breaches_ = 0;
  return was_raised ? outcome{change::cleared, time_us} : outcome{};
}

limit_state::outcome limit_state::reset(std::int64_t time_us) {
  if (!is_latched()) return {};
  phase_ = phase_ == phase::latched ? phase::normal : phase::pending;
  return {change::cleared, time_us};
}

limit_state limit_state::raised_at(std::int64_t time_us) {
  limit_state state;
  state.phase_ = phase::active;
  state.raised_us_ = time_us;
  return state;
}

void limit_state::encode(std::string& out) const {
  put_byte(out, static_cast<std::uint8_t>(phase_));
  put_zigzag(out, began_us_);
  put_zigzag(out, raised_us_);
  put_varint(out, breaches_);
}

bool limit_state::decode(std::string_view& in) {
  std::uint8_t where = 0;
  if (!get_byte(in, where) || where > static_cast<std::uint8_t>(phase::relapsing)) return false;
  phase_ = static_cast<phase>(where);
  return get_zigzag(in, began_us_) && get_zigzag(in, raised_us_) && get_varint(in, breaches_);
}

}  // namespace factory
