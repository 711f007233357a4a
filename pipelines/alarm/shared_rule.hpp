#pragma once

#include <memory>
#include <utility>

namespace factory {

struct alert_rule;

/// A rule that never changes, so that any number of sensors can share one. Stands where a rule stands.
class shared_rule {
 public:
  shared_rule(alert_rule rule);  // NOLINT: a rule is a shared rule that nobody shares yet
  /// A rule of a template, read from storage: the same object as before where this thread has one with the same content. So sensors that
  /// shared a rule when they were stored share it again. REQUIRES: its sensor is 0.
  static shared_rule of_template(alert_rule rule);

  operator const alert_rule&() const { return *rule_; }  // NOLINT
  const alert_rule& operator*() const { return *rule_; }
  const alert_rule* operator->() const { return rule_.get(); }
  bool operator==(const shared_rule& other) const;

 private:
  explicit shared_rule(std::shared_ptr<const alert_rule> rule) : rule_(std::move(rule)) {}
  std::shared_ptr<const alert_rule> rule_;  // never null
};

}  // namespace factory
