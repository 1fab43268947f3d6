data "google_project" "runs" {
  project_id = var.project
}

# It tells, and stops nothing: a job goes on until it is cancelled.
resource "google_billing_budget" "runs" {
  billing_account = var.billing_account
  display_name    = "dalle"

  budget_filter {
    projects = ["projects/${data.google_project.runs.number}"]
  }

  amount {
    specified_amount {
      currency_code = "USD"
      units         = tostring(var.budget_usd)
    }
  }

  threshold_rules {
    threshold_percent = 0.5
  }

  threshold_rules {
    threshold_percent = 0.9
  }

  threshold_rules {
    threshold_percent = 1.0
  }

  depends_on = [google_project_service.needed]
}
