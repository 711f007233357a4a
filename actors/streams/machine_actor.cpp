#include "actors/streams/machine_actor.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "actors/sensors/failure.hpp"

namespace factory {

namespace {

void take_in(machine_actor_state& state, const stream_entries& entries) {
  std::vector<event> found;
  std::vector<source_rows> rows;
  for (std::size_t i = 0; i < entries.parts.size();) {
    const auto& first = entries.parts[i];
    rows.clear();
    for (; i < entries.parts.size() && entries.parts[i].sequence == first.sequence; ++i) {
      const auto& part = entries.parts[i];
      if (part.source == stream_entries::tick || part.sequence <= state.applied_sequence) continue;
      if (part.source == stream_entries::sensitivity) {
        state.core->follow(entries.values[part.begin], part.received_at_us, found);
        continue;
      }
      rows.push_back({part.source, std::span(entries.times_us).subspan(part.begin, part.end - part.begin),
                      std::span(entries.values).subspan(part.begin, part.end - part.begin)});
    }
    if (first.sequence <= state.applied_sequence) continue;  // the stored state has seen it
    if (!rows.empty()) state.core->apply(first.received_at_us, rows, found);
    state.applied_sequence = first.sequence;
  }
  state.live->applied.store(state.applied_sequence);
  if (!found.empty()) state.ports.write_events(std::move(found));  // before any state that has seen what they are of
}

/// Throws when the state cannot be read; the supervisor reports that.
void stand_at(machine_actor_state& state, const stream_restore& order) {
  if (!order.state) return;
  std::string_view in = *order.state;
  if (!state.core->decode(in) || !in.empty())
    throw std::runtime_error("the stored state cannot be read: it is damaged or of a newer version, restore the newest snapshot");
  state.applied_sequence = state.saved_sequence = order.applied_sequence;
  state.live->applied.store(state.applied_sequence);
}

/// A state that has seen nothing since it was stored is not stored again: most machines of a large plant are idle most of the time.
void save(machine_actor_state& state, const stream_save& order) {
  const bool is_stored = state.saved_sequence == state.applied_sequence && state.live->saved.load() >= state.applied_sequence;
  state.applied_sequence = std::max(state.applied_sequence, order.sequence);
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
      [](const stream_pause&) {},
      [](const stream_resume& order) { order.done.set(false); },
  };
}

}  // namespace factory
