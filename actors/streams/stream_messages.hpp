#pragma once

#include <atomic>
#include <caf/all.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/flow/reply.hpp"
#include "actors/streams/stream_outbox.hpp"
#include "actors/streams/stream_views.hpp"
#include "pipelines/correct/correction_overlay.hpp"
#include "pipelines/model/event.hpp"
#include "pipelines/spec/pipeline_spec.hpp"
#include "storage/journal/journal.hpp"
#include "storage/state/store_writer.hpp"
#include "storage/streams/pipeline_store.hpp"

/// The actors of pipelines and their messages.
///
///   committer, catch-up thread -- stream_entries --> stream (one per instance of a pipeline)
///   catch-up thread ------------- stream_restore, stream_caught_up --> stream
///   checkpoint ------------------ stream_save --> stream --> store_writer
///   query thread ---------------- stream_view_request --> stream
///   recomputer ------------------ stream_pause, stream_resume --> stream
///   stream -- derived_readings --> derived_writer --> journal
///
/// An instance gets the entries of its sources in commit order, from the committer's thread, not from the sensors: so its state is a function
/// of the journal, and no sensor waits for it.
namespace factory {

/// One instance of a pipeline, or the watch over a machine: what it is, and what its actor and the population share.
struct live_stream {
  stream_key key;
  std::shared_ptr<const pipeline_spec> spec;  ///< none: the machine detector watches `sources` (machine_actor.hpp)
  bool is_watch() const { return spec == nullptr; }
  std::vector<sensor_id> sources, sinks;
  double sensitivity = 1;  ///< of a watch, when it came into being

  std::atomic<std::uint64_t> queued{0};       ///< readings in its mailbox, or of results not yet committed
  std::atomic<std::uint64_t> handed{0};       ///< number of what it has handed over last to be written, by whichever actor it has
  std::atomic<std::uint64_t> written{0};      ///< all up to this number is committed
  std::atomic<bool> waits_for_commit{false};  ///< its actor is to be told then
  std::atomic<bool> is_over{false};           ///< it has ended: what it has derived is not wanted any more
  std::atomic<std::int64_t> due_us{INT64_MAX};  ///< waits for a tick of this time
  std::atomic<std::uint64_t> applied{0};        ///< newest entry taken in
  std::atomic<std::uint64_t> saved{0};          ///< the state on disk has seen all entries up to here
};

/// Entries that concern one instance, in commit order.
struct stream_entries {
  static constexpr std::uint32_t tick = UINT32_MAX;
  static constexpr std::uint32_t sensitivity = UINT32_MAX - 1;  ///< of a watch: its only row has the value
  struct part {
    std::uint64_t sequence;
    std::int64_t received_at_us;
    std::uint32_t source;       ///< or `tick`, `sensitivity`
    std::uint32_t begin, end;   ///< rows
    bool is_corrected = false;  ///< rows of it lie in time that is corrected
  };
  std::vector<part> parts;  ///< those of one entry follow each other
  std::vector<std::int64_t> times_us;
  std::vector<double> values;
  std::vector<std::uint8_t> flags;  ///< up to the last row that has some
  std::shared_ptr<void> credit;     ///< let go when all is taken in and what came of it is committed
};

/// First message: the stored state, or none.
struct stream_restore {
  std::uint64_t applied_sequence = 0;
  std::shared_ptr<const std::string> state;
  std::shared_ptr<void> under_way;
};

/// The entries that the instance may have seen before are sent: from now on it writes what it makes.
struct stream_caught_up {
  std::shared_ptr<void> under_way;  ///< let go when what was kept back is committed
};

/// Asks for the state to be stored. All entries up to `sequence` that concern the instance were sent before.
struct stream_save {
  std::uint64_t sequence = 0;
  reply<bool> stored;
};

/// What an instance waits for is committed; to the writer: what was under way is, or was refused.
struct stream_committed {};

/// Asks an instance how it stands.
struct stream_view_request {
  reply<stream_view> answer;
};

/// Keeps back what comes from now on. Answered when all that it has told is committed; until stream_resume it changes nothing.
struct stream_pause {
  std::uint64_t ticket = 0;
  reply<std::shared_ptr<const std::string>> state;  ///< stream_instance::encode, machine_watch::encode
};
/// Goes on, from another state where there is one. Only the one that was paused under this ticket does, and says so.
struct stream_resume {
  std::uint64_t ticket = 0;
  std::shared_ptr<const std::string> state;
  bool again_is_done = false;  ///< what had to be computed again is
  reply<bool> done;
};

using stream_actor = caf::typed_actor<caf::reacts_to<stream_restore>,       // stand where storage says
                                      caf::reacts_to<stream_entries>,       // take readings and ticks in, write what comes of it
                                      caf::reacts_to<stream_caught_up>,     // write what was kept back
                                      caf::reacts_to<stream_save>,          // hand the state to the store
                                      caf::reacts_to<stream_committed>,     // answer who waits for that
                                      caf::reacts_to<stream_view_request>,  // answer
                                      caf::reacts_to<stream_pause>,         // keep back what comes
                                      caf::reacts_to<stream_resume>>;       // work it in

/// What an instance has derived. `by->written` becomes `number` when it is committed.
struct derived_readings {
  std::shared_ptr<live_stream> by;
  stream_actor actor;
  std::uint64_t number = 0;
  std::vector<derived_reading> readings;
  std::vector<std::shared_ptr<void>> credits;  ///< let go when it is committed
};

/// What instances need of the engine. None of these waits.
struct stream_ports {
  /// How the writer writes what all of them have derived.
  std::function<expected<journal::ticket>(reading_batch, journal::waker)> write_readings;
  std::function<void(derived_readings)> put_derived;  ///< of each instance
  std::function<void(saved_stream, std::function<void()> written)> save;
  std::function<void(std::vector<event>)> write_events;
  /// Readings of these event times came that an instance could not take in as they count.
  std::function<void(const stream_key&, std::int64_t first_us, std::int64_t last_us)> compute_again;
  /// Of a watch: its past can be judged again from there.
  std::function<void(const stream_key&, machine_mark)> keep_mark;
  /// What the sensor's readings count as (correction_store::overlay_of). Nearly always null.
  std::function<std::shared_ptr<const correction_overlay>(sensor_id)> corrections_of;
};

/// Something is there to be written.
struct derived_waits {};
/// Time to try again what was refused.
struct write_again {};

using derived_writer_actor = caf::typed_actor<caf::reacts_to<derived_waits>,     // write it, unless something is under way
                                              caf::reacts_to<stream_committed>,  // let go of what was under way, write what waits
                                              caf::reacts_to<write_again>>;      // write again what was refused

}  // namespace factory

CAF_BEGIN_TYPE_ID_BLOCK(factory_streams, caf::first_custom_type_id + 100)
CAF_ADD_TYPE_ID(factory_streams, (factory::stream_restore))
CAF_ADD_TYPE_ID(factory_streams, (factory::stream_entries))
CAF_ADD_TYPE_ID(factory_streams, (factory::stream_caught_up))
CAF_ADD_TYPE_ID(factory_streams, (factory::stream_save))
CAF_ADD_TYPE_ID(factory_streams, (factory::stream_committed))
CAF_ADD_TYPE_ID(factory_streams, (factory::stream_view_request))
CAF_ADD_TYPE_ID(factory_streams, (factory::stream_pause))
CAF_ADD_TYPE_ID(factory_streams, (factory::stream_resume))
CAF_ADD_TYPE_ID(factory_streams, (factory::derived_waits))
CAF_ADD_TYPE_ID(factory_streams, (factory::write_again))
CAF_END_TYPE_ID_BLOCK(factory_streams)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::stream_restore)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::stream_entries)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::stream_caught_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::stream_save)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::stream_committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::stream_view_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::stream_pause)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::stream_resume)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::derived_waits)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(factory::write_again)
