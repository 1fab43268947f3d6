variable "project" {
  description = "Project that the runs are paid by."
  type        = string
}

variable "region" {
  description = "Where the bucket, the network and the workers are: in one region, bytes between them cost nothing."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket that holds configs and run directories."
  type        = string
}

variable "image" {
  description = "Image of workers and launcher, by digest; empty until one has been pushed."
  type        = string
  default     = ""

  validation {
    condition     = var.image == "" || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Name the image by digest, as NAME@sha256:...: a tag may mean another image tomorrow, and a run must be repeatable."
  }
}

variable "config" {
  description = "URL of the config of the run in the bucket; empty to start no job."
  type        = string
  default     = ""
}

variable "run_directory" {
  description = "URL of the run directory in the bucket."
  type        = string
  default     = ""
}

variable "max_workers" {
  description = "Workers of the job, at most; `dalle plan` says how many a run of some size needs."
  type        = number
  default     = 100
}

variable "machine_type" {
  description = "Of a worker. What stages need beyond it, they say by resource hints."
  type        = string
  default     = "n2-standard-2"
}

variable "num_nat_addresses" {
  description = "Addresses from which all workers reach the web, and by which sites know them."
  type        = number
  default     = 2
}

variable "keep_temporary_days" {
  description = "Days after which temporary and staged files are removed."
  type        = number
  default     = 14
}

variable "billing_account" {
  description = "Account whose budget is watched."
  type        = string
}

variable "budget_usd" {
  description = "Whole US dollars a month, of which half, nine tenths and all are told."
  type        = number
}
