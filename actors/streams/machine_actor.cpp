#include "actors/streams/machine_actor.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "actors/sensors/failure.hpp"

namespace factory {

namespace {

/// Says which readings it could not take in as they count.
void tell_again(machine_actor_state& state) {
  const auto& span = state.core->again();
  if (span.empty() || (span.first_us == state.told_again.first_us && span.last_us == state.told_again.last_us)) return;
  state.told_again = span;
  if (state.ports.compute_again) state.ports.compute_again(state.live->key, span.first_us, span.last_us);
}

/// Its rows that count.
void add_rows(const stream_entries& entries, const stream_entries::part& part, std::vector<source_rows>& rows) {
  auto begin = part.begin;
  const auto add_until = [&](std::uint32_t end) {
    if (begin < end)
      rows.push_back({part.source, std::span(entries.times_us).subspan(begin, end - begin),
                      std::span(entries.values).subspan(begin, end - begin)});
    begin = end + 1;
  };
  const auto flagged = std::min(part.end, static_cast<std::uint32_t>(entries.flags.size()));
  for (auto row = part.begin; row < flagged; ++row) {
    if (!is_left_out(entries.flags[row])) continue;
    add_until(row);
  }
  add_until(part.end);
}

/// The parts of one entry.
void take_entry(machine_watch& watch, const stream_entries& entries, std::span<const stream_entries::part> parts,
                std::vector<event>& found) {
  std::vector<source_rows> rows;
  for (const auto& part : parts) {
    if (part.source == stream_entries::tick) continue;
    if (part.source == stream_entries::sensitivity) {
      watch.follow(entries.values[part.begin], part.received_at_us, found);
      continue;
    }
    for (auto row = part.begin; part.is_corrected && row < part.end; ++row) watch.must_again(entries.times_us[row]);
    add_rows(entries, part, rows);
  }
  if (!rows.empty()) watch.apply(parts.front().received_at_us, rows, found);
  for (const auto& part : parts)
    for (auto row = part.begin; row < std::min(part.end, static_cast<std::uint32_t>(entries.flags.size())); ++row)
      if (is_left_out(entries.flags[row])) watch.take_back(entries.times_us[row], part.source);
}

void take_in(machine_actor_state& state, const stream_entries& entries) {
  if (state.pause) {
    state.kept.push_back(entries);
    return;
  }
  std::vector<event> found;
  std::vector<machine_mark> marks;
  for (std::size_t i = 0; i < entries.parts.size();) {
    const auto begin = i;
    const auto sequence = entries.parts[i].sequence;
    while (i < entries.parts.size() && entries.parts[i].sequence == sequence) ++i;
    if (sequence <= state.applied_sequence) continue;  // the stored state has seen it
    take_entry(*state.core, entries, std::span(entries.parts).subspan(begin, i - begin), found);
    state.applied_sequence = sequence;
    if (auto mark = state.core->take_mark()) marks.push_back(std::move(*mark));
  }
  tell_again(state);
  state.live->applied.store(state.applied_sequence);
  if (!found.empty()) state.ports.write_events(std::move(found));  // before any state that has seen what they are of
  if (!state.ports.keep_mark) return;
  for (auto& each : marks) state.ports.keep_mark(state.live->key, std::move(each));
}

/// Throws when the state cannot be read; the supervisor reports that.
void stand_at(machine_actor_state& state, const stream_restore& order) {
  if (!order.state) return;
  std::string_view in = *order.state;
  if (!state.core->decode(in) || !in.empty())
    throw std::runtime_error("the stored state cannot be read: it is damaged or of a newer version, restore the newest snapshot");
  state.applied_sequence = state.saved_sequence = order.applied_sequence;
  state.live->applied.store(state.applied_sequence);
  tell_again(state);
}

void stand_still(machine_actor_state& state, const stream_pause& order) {
  auto bytes = std::make_shared<std::string>();
  state.core->encode(*bytes);
  state.pause = order;
  order.state.set(std::move(bytes));
}

/// Throws when the state cannot be read; the supervisor reports that.
void go_on(machine_actor_state& state, const stream_resume& order) {
  if (!state.pause || state.pause->ticket != order.ticket) return order.done.set(false);
  if (order.state) {
    std::string_view in = *order.state;
    if (!state.core->decode(in) || !in.empty()) throw std::runtime_error("a state that was judged again cannot be read");
    state.saved_sequence = 0;  // what is stored is another one
  }
  if (order.again_is_done) {
    state.core->again_is_done();
    state.told_again = {};
    state.saved_sequence = 0;
  }
  state.pause.reset();
  for (const auto& each : std::exchange(state.kept, {})) take_in(state, each);
  order.done.set(true);
}

/// A state that has seen nothing since it was stored is not stored again: most machines of a large plant are idle most of the time.
void save(machine_actor_state& state, const stream_save& order) {
  const bool is_stored = state.saved_sequence == state.applied_sequence && state.live->saved.load() >= state.applied_sequence;
  if (!state.pause) state.applied_sequence = std::max(state.applied_sequence, order.sequence);  // else some are kept back
  if (is_stored && state.saved_sequence != 0) {
    state.saved_sequence = state.applied_sequence;
    state.live->saved.store(state.applied_sequence);
    return order.stored.set(true);
  }
  state.saved_sequence = state.applied_sequence;
  saved_stream snapshot{state.live->key, state.applied_sequence, {}};
  state.core->encode(snapshot.state);
  state.ports.save(std::move(snapshot), [live = state.live, sequence = state.applied_sequence, stored = order.stored] {
    live->saved.store(sequence);
    stored.set(true);
  });
}

stream_view view_of(const machine_actor_state& state) {
  return {state.core->counts(),
          std::nullopt,
          state.core->watermark_us(),
          state.applied_sequence,
          0,
          std::make_shared<const machine_view>(state.core->view())};
}

}  // namespace

stream_actor::behavior_type machine_actor(stream_actor::stateful_pointer<machine_actor_state> self,
                                          std::shared_ptr<live_stream> live, stream_ports ports, const stream_times& times) {
  auto& state = self->state;
  fail_loudly(self, "the watch over machine", live->key.machine);
  state.live = std::move(live);
  state.ports = std::move(ports);
  state.core = std::make_unique<machine_watch>(state.live->key.machine, state.live->sources, times,
                                               machine_settings{machine_learn_us, state.live->sensitivity});
  return {
      [self](const stream_restore& order) { stand_at(self->state, order); },
      [self](const stream_entries& entries) { take_in(self->state, entries); },
      [](const stream_caught_up&) {},
      [self](const stream_save& order) { save(self->state, order); },
      [](const stream_committed&) {},
      [self](const stream_view_request& request) { request.answer.set(view_of(self->state)); },
      [self](const stream_pause& order) { stand_still(self->state, order); },
      [self](const stream_resume& order) { go_on(self->state, order); },
  };
}

}  // namespace factory
