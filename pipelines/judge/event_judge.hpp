#pragma once

#include "pipelines/model/event.hpp"
#include "pipelines/model/event_kind.hpp"

namespace factory {

/// Base of judges (revisable.hpp) whose findings are events: what an event is about is its key; what it says, all but when it came. What may
/// be repeated is told apart by its time, as its corrections are: one that would come at another time is another one.
struct event_judge {
  using finding = event;
  static bool order(const event& a, const event& b) {
    if (a.key != b.key) return a.key < b.key;
    return role_of(a.key.kind) == event_role::repeats && a.at_us < b.at_us;
  }
  static bool same(const event& a, const event& b) {
    return a.key == b.key && a.at_us == b.at_us && a.value == b.value && a.level == b.level && a.detail == b.detail;
  }
};

}  // namespace factory
