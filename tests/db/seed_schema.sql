-- The CREATE TABLE statements of the database design that FadeBench implements, without comments.
-- tests/db/test_seed.py compares the tables with it.

CREATE TABLE `user` (
  id BIGINT NOT NULL AUTO_INCREMENT,
  user_name VARCHAR(50) NOT NULL,
  email VARCHAR(255) NOT NULL,
  password_hash VARCHAR(255) NOT NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uk_user_email (email),
  UNIQUE KEY uk_user_name (user_name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE data_upload (
  id BIGINT NOT NULL AUTO_INCREMENT,
  user_id BIGINT NOT NULL,
  original_filename VARCHAR(255) NOT NULL,
  stored_path VARCHAR(500) NOT NULL,
  file_size BIGINT NOT NULL,
  status ENUM('PENDING','PROCESSING','SUCCEEDED','FAILED') NOT NULL DEFAULT 'PENDING',
  error_message VARCHAR(2000) NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  processed_at DATETIME NULL,
  PRIMARY KEY (id),
  KEY idx_upload_user (user_id),
  KEY idx_upload_status (status),
  CONSTRAINT fk_upload_user FOREIGN KEY (user_id) REFERENCES `user`(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE dataset (
  id BIGINT NOT NULL AUTO_INCREMENT,
  owner_user_id BIGINT NULL,
  source_type ENUM('BUILTIN','UPLOAD') NOT NULL,
  name VARCHAR(120) NOT NULL,
  upload_id BIGINT NULL,
  feature_schema JSON NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uk_dataset_upload (upload_id),
  KEY idx_dataset_owner (owner_user_id),
  CONSTRAINT fk_dataset_owner FOREIGN KEY (owner_user_id) REFERENCES `user`(id),
  CONSTRAINT fk_dataset_upload FOREIGN KEY (upload_id) REFERENCES data_upload(id),
  CONSTRAINT chk_builtin_nulls CHECK (
    (source_type = 'BUILTIN' AND owner_user_id IS NULL AND upload_id IS NULL) OR
    (source_type = 'UPLOAD' AND owner_user_id IS NOT NULL AND upload_id IS NOT NULL)
  )
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE battery_unit (
  id BIGINT NOT NULL AUTO_INCREMENT,
  dataset_id BIGINT NOT NULL,
  battery_code VARCHAR(64) NOT NULL,
  group_tag ENUM('train','val','test') DEFAULT NULL,
  total_cycles INT NOT NULL,
  nominal_capacity DOUBLE NULL,
  PRIMARY KEY (id),
  UNIQUE KEY uk_dataset_battery (dataset_id, battery_code),
  KEY idx_battery_dataset (dataset_id),
  CONSTRAINT fk_battery_dataset FOREIGN KEY (dataset_id) REFERENCES dataset(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE cycle_data (
  id BIGINT NOT NULL AUTO_INCREMENT,
  battery_id BIGINT NOT NULL,
  cycle_num INT NOT NULL,
  feature_1 DOUBLE NOT NULL,
  feature_2 DOUBLE NOT NULL,
  feature_3 DOUBLE NOT NULL,
  feature_4 DOUBLE NOT NULL,
  feature_5 DOUBLE NOT NULL,
  feature_6 DOUBLE NOT NULL,
  feature_7 DOUBLE NOT NULL,
  feature_8 DOUBLE NOT NULL,
  pcl DOUBLE NULL,
  rul INT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY uk_battery_cycle (battery_id, cycle_num),
  KEY idx_cycle_battery (battery_id),
  CONSTRAINT fk_cycle_battery FOREIGN KEY (battery_id) REFERENCES battery_unit(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE training_job (
  id BIGINT NOT NULL AUTO_INCREMENT,
  user_id BIGINT NOT NULL,
  dataset_id BIGINT NOT NULL,
  target ENUM('RUL','PCL','BOTH') NOT NULL,
  hyperparams JSON NULL,
  status ENUM('PENDING','RUNNING','SUCCEEDED','FAILED','CANCELED') NOT NULL DEFAULT 'PENDING',
  progress DECIMAL(6,5) NOT NULL DEFAULT 0.0,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  started_at DATETIME NULL,
  finished_at DATETIME NULL,
  PRIMARY KEY (id),
  KEY idx_training_user (user_id),
  KEY idx_training_status (status),
  KEY idx_training_dataset (dataset_id),
  KEY idx_training_created (created_at),
  CONSTRAINT fk_training_user FOREIGN KEY (user_id) REFERENCES `user`(id),
  CONSTRAINT fk_training_dataset FOREIGN KEY (dataset_id) REFERENCES dataset(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE training_job_battery (
  job_id BIGINT NOT NULL,
  battery_id BIGINT NOT NULL,
  split_role ENUM('train','val','test') NOT NULL DEFAULT 'train',
  PRIMARY KEY (job_id, battery_id),
  KEY idx_job_battery (battery_id),
  CONSTRAINT fk_job_battery_job FOREIGN KEY (job_id) REFERENCES training_job(id),
  CONSTRAINT fk_job_battery_unit FOREIGN KEY (battery_id) REFERENCES battery_unit(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE training_job_run (
  id BIGINT NOT NULL AUTO_INCREMENT,
  job_id BIGINT NOT NULL,
  algorithm ENUM('BASELINE','BILSTM','DEEPHPM') NOT NULL,
  status ENUM('PENDING','RUNNING','SUCCEEDED','FAILED','CANCELED') NOT NULL DEFAULT 'PENDING',
  current_epoch INT NOT NULL DEFAULT 0,
  total_epochs INT NOT NULL DEFAULT 0,
  started_at DATETIME NULL,
  finished_at DATETIME NULL,
  PRIMARY KEY (id),
  UNIQUE KEY uk_job_algorithm (job_id, algorithm),
  KEY idx_run_job (job_id),
  KEY idx_run_status (status),
  CONSTRAINT fk_run_job FOREIGN KEY (job_id) REFERENCES training_job(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE training_job_run_metric (
  id BIGINT NOT NULL AUTO_INCREMENT,
  run_id BIGINT NOT NULL,
  epoch INT NOT NULL,
  train_loss DOUBLE NULL,
  val_loss DOUBLE NULL,
  metrics JSON NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uk_run_epoch (run_id, epoch),
  KEY idx_metric_run (run_id),
  CONSTRAINT fk_metric_run FOREIGN KEY (run_id) REFERENCES training_job_run(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE training_job_run_log (
  id BIGINT NOT NULL AUTO_INCREMENT,
  run_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  level ENUM('DEBUG','INFO','WARNING','ERROR') NOT NULL,
  message VARCHAR(2000) NOT NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  KEY idx_log_run (run_id),
  KEY idx_log_user (user_id),
  KEY idx_log_run_time (run_id, created_at),
  CONSTRAINT fk_log_run FOREIGN KEY (run_id) REFERENCES training_job_run(id),
  CONSTRAINT fk_log_user FOREIGN KEY (user_id) REFERENCES `user`(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE model_version (
  id BIGINT NOT NULL AUTO_INCREMENT,
  user_id BIGINT NOT NULL,
  run_id BIGINT NOT NULL,
  algorithm ENUM('BASELINE','BILSTM','DEEPHPM') NOT NULL,
  name VARCHAR(120) NOT NULL,
  version VARCHAR(32) NOT NULL,
  config JSON NULL,
  metrics JSON NULL,
  checkpoint_path VARCHAR(500) NOT NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uk_model_run (run_id),
  UNIQUE KEY uk_model_version (user_id, name, version),
  KEY idx_model_user (user_id),
  KEY idx_model_algorithm (algorithm),
  CONSTRAINT fk_model_run FOREIGN KEY (run_id) REFERENCES training_job_run(id),
  CONSTRAINT fk_model_user FOREIGN KEY (user_id) REFERENCES `user`(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE test_job (
  id BIGINT NOT NULL AUTO_INCREMENT,
  user_id BIGINT NOT NULL,
  model_version_id BIGINT NOT NULL,
  dataset_id BIGINT NOT NULL,
  target ENUM('RUL','PCL','BOTH') NOT NULL,
  horizon INT NOT NULL DEFAULT 1,
  status ENUM('PENDING','RUNNING','SUCCEEDED','FAILED','CANCELED') NOT NULL DEFAULT 'PENDING',
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  started_at DATETIME NULL,
  finished_at DATETIME NULL,
  PRIMARY KEY (id),
  KEY idx_test_user (user_id),
  KEY idx_test_status (status),
  KEY idx_test_model (model_version_id),
  KEY idx_test_dataset (dataset_id),
  KEY idx_test_created (created_at),
  CONSTRAINT fk_test_user FOREIGN KEY (user_id) REFERENCES `user`(id),
  CONSTRAINT fk_test_model FOREIGN KEY (model_version_id) REFERENCES model_version(id),
  CONSTRAINT fk_test_dataset FOREIGN KEY (dataset_id) REFERENCES dataset(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE test_job_battery (
  test_job_id BIGINT NOT NULL,
  battery_id BIGINT NOT NULL,
  PRIMARY KEY (test_job_id, battery_id),
  KEY idx_test_battery (battery_id),
  CONSTRAINT fk_tjb_test FOREIGN KEY (test_job_id) REFERENCES test_job(id),
  CONSTRAINT fk_tjb_battery FOREIGN KEY (battery_id) REFERENCES battery_unit(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE test_job_metric_overall (
  id BIGINT NOT NULL AUTO_INCREMENT,
  test_job_id BIGINT NOT NULL,
  target ENUM('RUL','PCL') NOT NULL,
  metrics JSON NOT NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uk_test_target (test_job_id, target),
  KEY idx_metric_test (test_job_id),
  CONSTRAINT fk_test_metric_job FOREIGN KEY (test_job_id) REFERENCES test_job(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE test_job_battery_metric (
  id BIGINT NOT NULL AUTO_INCREMENT,
  test_job_id BIGINT NOT NULL,
  battery_id BIGINT NOT NULL,
  target ENUM('RUL','PCL') NOT NULL,
  metrics JSON NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY uk_test_battery_target (test_job_id, battery_id, target),
  KEY idx_test_battery_metric (test_job_id),
  KEY idx_battery_metric (battery_id),
  CONSTRAINT fk_tbm_test FOREIGN KEY (test_job_id) REFERENCES test_job(id),
  CONSTRAINT fk_tbm_battery FOREIGN KEY (battery_id) REFERENCES battery_unit(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE test_job_prediction (
  id BIGINT NOT NULL AUTO_INCREMENT,
  test_job_id BIGINT NOT NULL,
  battery_id BIGINT NOT NULL,
  cycle_num INT NOT NULL,
  target ENUM('RUL','PCL') NOT NULL,
  y_true DOUBLE NULL,
  y_pred DOUBLE NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY uk_pred_sample (test_job_id, battery_id, target, cycle_num),
  KEY idx_pred_test (test_job_id),
  KEY idx_pred_battery (battery_id),
  CONSTRAINT fk_pred_test FOREIGN KEY (test_job_id) REFERENCES test_job(id),
  CONSTRAINT fk_pred_battery FOREIGN KEY (battery_id) REFERENCES battery_unit(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE test_job_log (
  id BIGINT NOT NULL AUTO_INCREMENT,
  test_job_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  level ENUM('DEBUG','INFO','WARNING','ERROR') NOT NULL,
  message VARCHAR(2000) NOT NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  KEY idx_test_log (test_job_id),
  KEY idx_log_user (user_id),
  KEY idx_test_log_time (test_job_id, created_at),
  CONSTRAINT fk_test_log_job FOREIGN KEY (test_job_id) REFERENCES test_job(id),
  CONSTRAINT fk_test_log_user FOREIGN KEY (user_id) REFERENCES `user`(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE test_export (
  id BIGINT NOT NULL AUTO_INCREMENT,
  test_job_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  format ENUM('CSV','XLSX') NOT NULL,
  file_path VARCHAR(500) NOT NULL,
  file_size BIGINT NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  KEY idx_export_test (test_job_id),
  KEY idx_export_user (user_id),
  KEY idx_export_created (created_at),
  CONSTRAINT fk_export_test FOREIGN KEY (test_job_id) REFERENCES test_job(id),
  CONSTRAINT fk_export_user FOREIGN KEY (user_id) REFERENCES `user`(id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
