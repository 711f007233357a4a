#include "actors/streams/stream_actor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "actors/sensors/failure.hpp"
#include "actors/streams/limits.hpp"

namespace factory {

namespace {

using self_pointer = stream_actor::stateful_pointer<stream_actor_state>;

void forget_committed(stream_actor_state& state) { state.outbox.committed(state.live->written.load()); }

/// When all that it has told is committed. Else the writer says when.
void answer_pause(stream_actor_state& state) {
  if (!state.pause || state.pause_is_answered) return;
  if (!state.outbox.empty()) {
    state.live->waits_for_commit.store(true);
    forget_committed(state);  // it may have been committed before the writer could see that
    if (!state.outbox.empty()) return;
  }
  auto bytes = std::make_shared<std::string>();
  state.core->encode(*bytes);
  state.pause_is_answered = true;
  state.pause->state.set(std::move(bytes));
}

/// Whether what waits is to be handed over now.
bool is_to_write(const stream_actor_state& state) {
  const auto waiting = state.outbox.waiting();
  return waiting > 0 && (!state.replaying || waiting >= limits::stream_results_waiting);
}

/// Hands over what waits.
void write_results(self_pointer self) {
  auto& state = self->state;
  forget_committed(state);
  if (is_to_write(state)) {
    const auto number = state.live->handed.fetch_add(1) + 1;
    state.ports.put_derived({state.live, stream_actor{self}, number, state.outbox.take(number), std::exchange(state.held, {})});
    forget_committed(state);
  }
  answer_pause(state);
}

void put_results(stream_actor_state& state, const std::vector<stream_instance::change>& told) {
  for (const auto& [before, after] : told) {
    for (const auto sensor : state.live->sinks) {
      if (sensor == 0) continue;
      if (after)
        state.outbox.put(sensor, after->time_us, after->value);
      else
        state.outbox.take_back(sensor, before->time_us, before->value);
    }
  }
}

std::span<const std::uint8_t> flags_of(const stream_entries& entries, const stream_entries::part& part) {
  if (entries.flags.size() <= part.begin) return {};
  return std::span(entries.flags).subspan(part.begin, part.end - part.begin);
}

/// Says which readings it could not take in as they count.
void tell_again(stream_actor_state& state) {
  const auto& span = state.core->again();
  if (span.empty() || (span.first_us == state.told_again.first_us && span.last_us == state.told_again.last_us)) return;
  state.told_again = span;
  if (state.ports.compute_again) state.ports.compute_again(state.live->key, span.first_us, span.last_us);
}

void take_in(self_pointer self, const stream_entries& entries) {
  auto& state = self->state;
  if (state.pause) {
    state.kept.push_back(entries);
    return;
  }
  stream_told told;
  std::vector<source_rows> rows;
  for (std::size_t i = 0; i < entries.parts.size();) {
    const auto& first = entries.parts[i];
    rows.clear();
    for (; i < entries.parts.size() && entries.parts[i].sequence == first.sequence; ++i) {
      const auto& part = entries.parts[i];
      if (part.source == stream_entries::tick) continue;
      for (auto row = part.begin; part.is_corrected && row < part.end; ++row) state.core->must_again(entries.times_us[row]);
      rows.push_back({part.source, std::span(entries.times_us).subspan(part.begin, part.end - part.begin),
                      std::span(entries.values).subspan(part.begin, part.end - part.begin), flags_of(entries, part)});
    }
    if (first.sequence <= state.applied_sequence) continue;  // the stored state has seen it
    if (rows.empty())
      state.core->pass_time(first.received_at_us, told);
    else
      state.core->apply(first.received_at_us, rows, told);
    state.applied_sequence = first.sequence;
  }
  tell_again(state);
  put_results(state, told.results);
  if (!told.events.empty()) state.ports.write_events(std::move(told.events));  // before any state that has seen what they are of
  state.live->due_us.store(state.core->due_us().value_or(INT64_MAX));
  state.live->applied.store(state.applied_sequence);
  if (is_to_write(state)) state.held.push_back(entries.credit);
  write_results(self);
}

/// Throws when the state cannot be read; the supervisor reports that.
void restore(self_pointer self, const stream_restore& order) {
  auto& state = self->state;
  state.replaying = true;
  if (!order.state) return;
  std::string_view in = *order.state;
  if (!state.core->decode(in) || !state.outbox.decode(in) || !in.empty())
    throw std::runtime_error("the stored state cannot be read: it is damaged or of a newer version, restore the newest snapshot");
  state.applied_sequence = order.applied_sequence;
  state.live->applied.store(state.applied_sequence);
  state.live->due_us.store(state.core->due_us().value_or(INT64_MAX));
  tell_again(state);
}

/// Throws when the state cannot be read; the supervisor reports that.
void resume(self_pointer self, const stream_resume& order) {
  auto& state = self->state;
  if (!state.pause || state.pause->ticket != order.ticket) return order.done.set(false);
  if (order.state) {
    std::string_view in = *order.state;
    if (!state.core->decode(in) || !in.empty()) throw std::runtime_error("a state that was computed again cannot be read");
  }
  if (order.again_is_done) {
    state.core->again_is_done();
    state.told_again = {};
  }
  state.live->due_us.store(state.core->due_us().value_or(INT64_MAX));
  state.pause.reset();
  for (const auto& each : std::exchange(state.kept, {})) take_in(self, each);
  order.done.set(true);
}

void save(self_pointer self, const stream_save& order) {
  auto& state = self->state;
  forget_committed(state);
  if (!state.pause) state.applied_sequence = std::max(state.applied_sequence, order.sequence);  // else some are kept back
  saved_stream snapshot{state.live->key, state.applied_sequence, {}};
  state.core->encode(snapshot.state);
  state.outbox.encode(snapshot.state);
  state.ports.save(std::move(snapshot), [live = state.live, sequence = state.applied_sequence, stored = order.stored] {
    live->saved.store(sequence);
    stored.set(true);
  });
}

stream_view view(const stream_actor_state& state) {
  return {state.core->counts(), state.core->last_fault(), state.core->watermark_us(), state.applied_sequence,
          state.outbox.size()};
}

}  // namespace

stream_actor::behavior_type stream(self_pointer self, std::shared_ptr<live_stream> live, stream_ports ports,
                                   const stream_times& times) {
  auto& state = self->state;
  fail_loudly(self, "an instance of pipeline", live->key.pipeline);
  state.live = std::move(live);
  state.ports = std::move(ports);
  const auto& it = *state.live;
  state.core = std::make_unique<stream_instance>(
      stream_plan::of(*it.spec), times, stream_subject{it.sources[subject_source(*it.spec)], it.key.pipeline, it.key.version});
  return {
      [self](const stream_restore& order) { restore(self, order); },
      [self](const stream_entries& entries) { take_in(self, entries); },
      [self](const stream_caught_up& order) {
        self->state.replaying = false;
        if (self->state.outbox.waiting() > 0) self->state.held.push_back(order.under_way);
        write_results(self);
      },
      [self](const stream_save& order) { save(self, order); },
      [self](const stream_committed&) { write_results(self); },
      [self](const stream_view_request& request) {
        forget_committed(self->state);
        request.answer.set(view(self->state));
      },
      [self](const stream_pause& order) {
        self->state.pause = order;
        self->state.pause_is_answered = false;
        answer_pause(self->state);
      },
      [self](const stream_resume& order) { resume(self, order); },
  };
}

}  // namespace factory
