#include "actors/streams/derived_writer.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>

#include "actors/streams/limits.hpp"

namespace factory {

/// What waits, shared by those who put and the actor.
struct derived_writer::line {
  std::mutex mutex;
  std::vector<derived_readings> waiting;  ///< guarded by mutex
  bool actor_looks = false;               ///< guarded by mutex: it looks again before it rests
  bool is_stopped = false;                ///< guarded by mutex
  std::atomic<std::uint64_t> rows{0}, committed_rows{0}, entries{0}, hand_overs{0};
};

namespace {

constexpr auto between_tries = std::chrono::seconds(1);

struct writer_state {
  writer_state() = default;  // no aggregate: CAF would fill its first member with the self pointer
  static inline const char* name = "derived_writer";

  std::shared_ptr<derived_writer::line> line;
  derived_writer::port write;
  std::vector<derived_readings> under_way;
  std::optional<journal::ticket> ticket;
};

using writer_pointer = derived_writer_actor::stateful_pointer<writer_state>;

/// The oldest of what waits, up to the rows of one entry. When nothing waits, the next one who puts tells the actor.
std::vector<derived_readings> take_from(derived_writer::line& from) {
  const std::lock_guard lock(from.mutex);
  auto& waiting = from.waiting;
  std::size_t rows = 0, count = 0;
  for (; count < waiting.size() && (count == 0 || rows + waiting[count].readings.size() <= limits::derived_readings_per_entry);
       ++count)
    rows += waiting[count].readings.size();
  if (count == waiting.size()) {
    from.actor_looks = count > 0;
    return std::exchange(waiting, {});
  }
  const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<derived_readings> taken(std::make_move_iterator(waiting.begin()), std::make_move_iterator(end));
  waiting.erase(waiting.begin(), end);
  return taken;
}

/// Of what was under way, which is committed.
void let_go(writer_state& state) {
  std::uint64_t rows = 0;
  for (auto& each : state.under_way) {
    rows += each.readings.size();
    each.by->written.store(each.number);
    if (each.by->waits_for_commit.exchange(false)) caf::anon_send(each.actor, stream_committed{});
  }
  auto& line = *state.line;
  line.rows.fetch_sub(rows);
  line.committed_rows.fetch_add(rows);
  line.entries.fetch_add(1);
  line.hand_overs.fetch_add(state.under_way.size());
  state.under_way.clear();
}

/// Drops what ended instances derived. False: nothing is left.
bool drop_of_ended(writer_state& state) {
  std::uint64_t rows = 0;
  std::erase_if(state.under_way, [&rows](const derived_readings& each) {
    if (!each.by->is_over.load()) return false;
    rows += each.readings.size();
    return true;
  });
  state.line->rows.fetch_sub(rows);
  return !state.under_way.empty();
}

/// Nobody would take the place of an actor that fails here: what cannot be begun is tried again.
expected<journal::ticket> begin_write(writer_state& state, const journal::waker& wake) {
  try {
    return state.write(joined(state.under_way), wake);
  } catch (const std::exception& e) {
    return fail(errc::unavailable, e.what());
  }
}

void write(writer_pointer self) {
  auto& state = self->state;
  if (state.ticket) return;
  while (!drop_of_ended(state)) {
    state.under_way = take_from(*state.line);
    if (state.under_way.empty()) return;
  }
  const auto wake = std::make_shared<const std::function<void()>>(
      [to = derived_writer_actor{self}] { caf::anon_send(to, stream_committed{}); });
  auto begun = begin_write(state, wake);
  if (begun)
    state.ticket = std::move(*begun);
  else
    self->delayed_send(self, between_tries, write_again{});
}

void end_write(writer_pointer self) {
  auto& state = self->state;
  if (!state.ticket) return;
  if (!std::exchange(state.ticket, std::nullopt)->wait()) {
    self->delayed_send(self, between_tries, write_again{});
    return;
  }
  let_go(state);
  write(self);
}

derived_writer_actor::behavior_type behavior_of_writer(writer_pointer self, std::shared_ptr<derived_writer::line> line,
                                                       derived_writer::port write_entry) {
  self->state.line = std::move(line);
  self->state.write = std::move(write_entry);
  return {
      [self](const derived_waits&) {
        if (self->state.under_way.empty()) write(self);
      },
      [self](const stream_committed&) { end_write(self); },
      [self](const write_again&) { write(self); },
  };
}

}  // namespace

derived_writer::derived_writer(caf::actor_system& system, port write)
    : line_(std::make_shared<line>()), actor_(system.spawn(behavior_of_writer, line_, std::move(write))) {}

derived_writer::~derived_writer() { stop(); }

/// What waits refers to instances, and these to this writer.
void derived_writer::stop() {
  std::vector<derived_readings> dropped;
  {
    const std::lock_guard lock(line_->mutex);
    if (std::exchange(line_->is_stopped, true)) return;
    dropped = std::exchange(line_->waiting, {});
  }
  caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown);
}

void derived_writer::put(derived_readings made) {
  const auto rows = made.readings.size();
  bool tell = false;
  {
    const std::lock_guard lock(line_->mutex);
    if (line_->is_stopped) return;
    line_->rows.fetch_add(rows);
    line_->waiting.push_back(std::move(made));
    tell = !std::exchange(line_->actor_looks, true);
  }
  if (tell) caf::anon_send(actor_, derived_waits{});
}

bool derived_writer::has_room() const { return line_->rows.load() < limits::derived_readings_waiting; }

derived_writer::counters derived_writer::count() const {
  return {line_->committed_rows.load(), line_->entries.load(), line_->hand_overs.load(), line_->rows.load()};
}

reading_batch joined(std::span<const derived_readings> all) {
  std::size_t count = 0;
  for (const auto& each : all) count += each.readings.size();
  std::vector<derived_reading> rows;
  rows.reserve(count);
  for (const auto& each : all) rows.insert(rows.end(), each.readings.begin(), each.readings.end());
  const auto by_place = [](const derived_reading& a, const derived_reading& b) {
    return a.sensor != b.sensor ? a.sensor < b.sensor : a.time_us < b.time_us;
  };
  std::ranges::stable_sort(rows, by_place);
  const bool has_flags = std::ranges::any_of(rows, [](const auto& each) { return each.flags != flag_none; });
  reading_batch batch;
  batch.event_time_us.reserve(count);
  batch.value.reserve(count);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    if (i + 1 < rows.size() && !by_place(row, rows[i + 1])) continue;  // the last one counts
    const auto at = static_cast<std::uint32_t>(batch.size());
    if (batch.slices.empty() || batch.slices.back().sensor != row.sensor) batch.slices.push_back({row.sensor, at, at});
    batch.event_time_us.push_back(row.time_us);
    batch.value.push_back(row.value);
    if (has_flags) batch.flags.push_back(row.flags);
    batch.slices.back().end = at + 1;
  }
  return batch;
}

}  // namespace factory
