# The template: which image, and which parameters. Another image is another template.
resource "google_storage_bucket_object" "template" {
  count = var.image == "" ? 0 : 1

  bucket       = google_storage_bucket.runs.name
  name         = "templates/dalle-${substr(sha256(var.image), 0, 12)}.json"
  content_type = "application/json"
  content = jsonencode({
    image    = var.image
    sdkInfo  = { language = "PYTHON" }
    metadata = jsondecode(file("${path.module}/../metadata.json"))
  })
}

resource "google_dataflow_flex_template_job" "run" {
  provider = google-beta
  count    = var.image == "" || var.config == "" ? 0 : 1

  name                    = "dalle-${substr(sha256("${var.run_directory} ${var.config}"), 0, 12)}"
  region                  = var.region
  container_spec_gcs_path = "gs://${google_storage_bucket.runs.name}/${google_storage_bucket_object.template[0].name}"
  parameters = {
    config = var.config
    dir    = var.run_directory
  }

  sdk_container_image   = var.image
  service_account_email = google_service_account.worker.email
  network               = google_compute_network.workers.name
  subnetwork            = google_compute_subnetwork.workers.self_link
  ip_configuration      = "WORKER_IP_PRIVATE"
  machine_type          = var.machine_type
  max_workers           = var.max_workers
  temp_location         = "gs://${google_storage_bucket.runs.name}/temp"
  staging_location      = "gs://${google_storage_bucket.runs.name}/staging"
  on_delete             = "cancel"

  depends_on = [
    google_artifact_registry_repository_iam_member.worker,
    google_compute_router_nat.gateway,
    google_project_iam_member.worker,
    google_storage_bucket_iam_member.worker,
  ]
}
