#pragma once

#include "pipelines/model/event.hpp"

namespace factory {

/// Base of judges (revisable.hpp) whose findings are events: what an event is about is its key; what it says, all but when it came.
struct event_judge {
  using finding = event;
  static bool order(const event& a, const event& b) { return a.key < b.key; }
  static bool same(const event& a, const event& b) {
    return a.key == b.key && a.at_us == b.at_us && a.value == b.value && a.level == b.level && a.detail == b.detail;
  }
};

}  // namespace factory
