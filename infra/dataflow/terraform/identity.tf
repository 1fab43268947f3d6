# Workers and the launcher: work on a job, read the image, read and write the bucket. Nothing else.
resource "google_service_account" "worker" {
  account_id   = "dalle-worker"
  display_name = "Workers of dalle"
}

resource "google_project_iam_member" "worker" {
  project = var.project
  role    = "roles/dataflow.worker"
  member  = google_service_account.worker.member
}

resource "google_storage_bucket_iam_member" "worker" {
  bucket = google_storage_bucket.runs.name
  role   = "roles/storage.objectUser"
  member = google_service_account.worker.member
}

# gcsfs and Beam ask whether the bucket is there.
resource "google_storage_bucket_iam_member" "worker_sees_bucket" {
  bucket = google_storage_bucket.runs.name
  role   = "roles/storage.bucketViewer"
  member = google_service_account.worker.member
}

resource "google_artifact_registry_repository_iam_member" "worker" {
  project    = var.project
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.worker.member
}
